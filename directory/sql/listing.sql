-- directory_listing: what each row must hold (a view), and the triggers that keep it so.
--
-- A number in `facets`, `territory` and the counts is dimension × 1,000,000 + row: 1 sector,
-- 2 region, 3 MRC, 4 city, 5 legal form, 6 benefit, 7 purchasing category, 8 status, 9 flag.
-- facets.py holds the same list.

CREATE OR REPLACE FUNCTION public.directory_legal_form_number(form text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 5000000 + pg_catalog.array_position(
    ARRAY['npo', 'coop_consumer', 'coop_producer', 'coop_worker', 'coop_worker_shareholder',
          'coop_solidarity', 'coop_federation', 'mutual', 'coop_financial'], form);

-- The words of an offering's description, kept with it: most of the text of an enterprise, which
-- its listing need not read again each time that something else in it changes.
ALTER TABLE public.directory_offering ADD COLUMN IF NOT EXISTS words tsvector
    GENERATED ALWAYS AS (
        to_tsvector('public.directory_french', public.normalise(description))) STORED;
-- In the same paragraph, which a database without either gets from one migration: the day from
-- which two calls had found nobody. Results leave the enterprise out until it is confirmed, that
-- day or later, or the column is emptied.
ALTER TABLE public.directory_enterprise ADD COLUMN IF NOT EXISTS unreachable_since date;
CREATE OR REPLACE FUNCTION public.directory_listed(
    state text, unreachable_since date, confirmed_on date) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN state = 'published' AND (unreachable_since IS NULL
    OR coalesce(confirmed_on >= unreachable_since, false));

CREATE OR REPLACE AGGREGATE public.directory_words(tsvector) (
    SFUNC = pg_catalog.tsvector_concat, STYPE = tsvector, INITCOND = '');

CREATE OR REPLACE VIEW public.directory_listing_truth AS
SELECT
    e.id AS enterprise_id,
    e.neq,
    public.fold(e.name) AS sort_name,
    keywords.vector || offering.words
    || to_tsvector('public.directory_french', public.normalise(
        concat_ws(' ', e.mission, e.description))) AS search,
    keywords.vector AS keywords,
    coalesce(sector.facets, '{}')
    || ARRAY[2000000 + county.region_id::integer, 3000000 + city.county_id::integer,
             4000000 + e.city_id::integer, public.directory_legal_form_number(e.legal_form)]
    || coalesce(benefit.facets, '{}')
    || coalesce(offering.facets, '{}') AS facets,
    territory.codes AS territory,
    coalesce(status.ids, '{}') AS statuses,
    coalesce(status.until, '{}') AS statuses_until,
    recognition.recognised_on,
    recognition.expires_on AS recognised_until,
    e.confirmed_on,
    e.published_on,
    coalesce(e.latitude, city.latitude) AS latitude,
    coalesce(e.longitude, city.longitude) AS longitude,
    jsonb_build_object(
        'slug', e.slug,
        'name', e.name,
        'neq', e.neq,
        'form', e.legal_form,
        'city', e.city_id,
        'borough', e.borough_id,
        'busy', e.busy_until,
        'sectors', coalesce(sector.ids, '[]'),
        'benefits', coalesce(benefit.ids, '[]'),
        'offerings', coalesce(offering.names, '[]'),
        'mission', CASE WHEN offering.names IS NULL THEN left(e.mission, 160) ELSE '' END,
        'serves', jsonb_build_array(e.serves_province, coalesce(served.regions, '[]'),
                                    coalesce(served.counties, '[]'), coalesce(served.cities, '[]'))
    ) AS card
FROM public.directory_enterprise e
JOIN public.directory_city city ON city.id = e.city_id
JOIN public.directory_regionalcounty county ON county.id = city.county_id
LEFT JOIN public.directory_borough borough ON borough.id = e.borough_id
CROSS JOIN LATERAL (
    SELECT string_agg(s.name, ' ' ORDER BY s.id) AS names,
           array_agg(1000000 + s.id::integer ORDER BY s.id) AS facets,
           jsonb_agg(s.id ORDER BY s.id) AS ids
    FROM public.directory_enterprise_sectors link
    JOIN public.directory_sector s ON s.id = link.sector_id
    WHERE link.enterprise_id = e.id
) sector
CROSS JOIN LATERAL (
    SELECT string_agg(b.name, ' ' ORDER BY b.id) AS names,
           array_agg(6000000 + b.id::integer ORDER BY b.id) AS facets,
           jsonb_agg(b.id ORDER BY b.id) AS ids
    FROM public.directory_enterprisebenefit link
    JOIN public.directory_benefit b ON b.id = link.benefit_id
    WHERE link.enterprise_id = e.id
) benefit
CROSS JOIN LATERAL (
    SELECT string_agg(name, ' ' ORDER BY id) AS names,
           array_agg(id::integer ORDER BY id) AS ids,
           array_agg(until ORDER BY id) AS until
    FROM (
        SELECT s.id, s.name, max(coalesce(c.expires_on, '9999-12-31')) AS until
        FROM public.directory_certification c
        JOIN public.directory_status s ON s.id = c.status_id
        WHERE c.enterprise_id = e.id
        GROUP BY s.id
    ) certified
) status
CROSS JOIN LATERAL (
    SELECT string_agg(o.name, ' ' ORDER BY o.position, o.id) AS titles,
           public.directory_words(o.words ORDER BY o.position, o.id) AS words,
           string_agg(DISTINCT p.name, ' ') AS categories,
           array_agg(DISTINCT 7000000 + p.id::integer) FILTER (WHERE p.id IS NOT NULL) AS facets,
           jsonb_agg(jsonb_build_array(o.name, public.normalise(o.name))
                     ORDER BY o.position, o.id) AS names
    FROM public.directory_offering o
    LEFT JOIN public.directory_purchasingcategory p ON p.id = o.category_id
    WHERE o.enterprise_id = e.id
) offering
CROSS JOIN LATERAL (
    SELECT
        setweight(to_tsvector('public.directory_french', public.normalise(
            e.name || ' ' || array_to_string(e.other_names, ' '))), 'A')
        || setweight(to_tsvector('public.directory_french', public.normalise(
            coalesce(offering.titles, ''))), 'B')
        || setweight(to_tsvector('public.directory_french', public.normalise(
            concat_ws(' ', sector.names, offering.categories, status.names, benefit.names,
                      city.name, borough.name))), 'C') AS vector
    -- Without this the vector would be computed twice.
    OFFSET 0
) keywords
CROSS JOIN LATERAL (
    SELECT
        (SELECT jsonb_agg(region_id ORDER BY region_id)
         FROM public.directory_enterprise_served_regions WHERE enterprise_id = e.id) AS regions,
        (SELECT jsonb_agg(regionalcounty_id ORDER BY regionalcounty_id)
         FROM public.directory_enterprise_served_counties WHERE enterprise_id = e.id) AS counties,
        (SELECT jsonb_agg(city_id ORDER BY city_id)
         FROM public.directory_enterprise_served_cities WHERE enterprise_id = e.id) AS cities
) served
CROSS JOIN LATERAL (
    -- One offering may go where the others do not: the enterprise is found in either place. What
    -- says nothing of its territory serves the city it is in.
    SELECT array_agg(code::integer ORDER BY code) AS codes FROM (
        SELECT 4000000 + e.city_id AS code
            WHERE NOT e.serves_province AND served.regions IS NULL
                AND served.counties IS NULL AND served.cities IS NULL
                AND (offering.names IS NULL OR EXISTS (
                    SELECT FROM public.directory_offering o
                    WHERE o.enterprise_id = e.id AND NOT o.serves_province
                        AND NOT EXISTS (SELECT FROM public.directory_offering_served_regions
                                        WHERE offering_id = o.id)
                        AND NOT EXISTS (SELECT FROM public.directory_offering_served_counties
                                        WHERE offering_id = o.id)
                        AND NOT EXISTS (SELECT FROM public.directory_offering_served_cities
                                        WHERE offering_id = o.id)))
        UNION
        SELECT 0 WHERE e.serves_province
        UNION SELECT 2000000 + region_id
            FROM public.directory_enterprise_served_regions WHERE enterprise_id = e.id
        UNION SELECT 3000000 + regionalcounty_id
            FROM public.directory_enterprise_served_counties WHERE enterprise_id = e.id
        UNION SELECT 4000000 + city_id
            FROM public.directory_enterprise_served_cities WHERE enterprise_id = e.id
        UNION SELECT 0 FROM public.directory_offering
            WHERE enterprise_id = e.id AND serves_province
        UNION SELECT 2000000 + link.region_id
            FROM public.directory_offering_served_regions link
            JOIN public.directory_offering o ON o.id = link.offering_id
            WHERE o.enterprise_id = e.id
        UNION SELECT 3000000 + link.regionalcounty_id
            FROM public.directory_offering_served_counties link
            JOIN public.directory_offering o ON o.id = link.offering_id
            WHERE o.enterprise_id = e.id
        UNION SELECT 4000000 + link.city_id
            FROM public.directory_offering_served_cities link
            JOIN public.directory_offering o ON o.id = link.offering_id
            WHERE o.enterprise_id = e.id
    ) code
) territory
LEFT JOIN LATERAL (
    SELECT r.recognised_on, r.expires_on
    FROM public.directory_recognition r
    WHERE r.enterprise_id = e.id
    ORDER BY r.recognised_on DESC, r.id DESC
    LIMIT 1
) recognition ON true
WHERE public.directory_listed(e.state, e.unreachable_since, e.confirmed_on);

-- The version of the data -----------------------------------------------------------------------

CREATE TABLE public.directory_version (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    version bigint NOT NULL DEFAULT 1,
    vocabulary bigint NOT NULL DEFAULT 1  -- the version at which labels last changed
);
INSERT INTO public.directory_version DEFAULT VALUES;

-- A write leaves a row here; the version moves at its commit only. So a long import keeps nobody
-- waiting, and nobody can read a version whose data are not there yet.
CREATE UNLOGGED TABLE public.directory_touch (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    vocabulary boolean NOT NULL,
    PRIMARY KEY (transaction, vocabulary)
);

CREATE OR REPLACE FUNCTION public.directory_count_touches() RETURNS trigger
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    WITH gone AS (
        DELETE FROM public.directory_touch
        WHERE transaction = pg_current_xact_id() RETURNING vocabulary
    )
    UPDATE public.directory_version SET
        version = version + 1,
        vocabulary = CASE WHEN labels THEN version + 1 ELSE directory_version.vocabulary END
    FROM (SELECT bool_or(vocabulary) AS labels FROM gone) touched
    WHERE labels IS NOT NULL;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER directory_touch_committed AFTER INSERT ON public.directory_touch
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.directory_count_touches();

-- What every write goes through is in plpgsql, as a function in SQL is planned at each call, and
-- sets no search_path, which costs more than some of these do: all that is named has its schema.
CREATE OR REPLACE FUNCTION public.directory_touch(labels boolean) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO public.directory_touch (vocabulary) VALUES (labels) ON CONFLICT DO NOTHING;
END $$;

-- Refreshing listings ---------------------------------------------------------------------------

-- A listing is made of labels too. Whoever writes an enterprise holds the labels until the commit,
-- many at once; whoever renames one waits for them, and they for it. Otherwise a listing refreshed
-- while a name changes could keep the old one. Held before any row is locked, so that a renaming,
-- which locks rows after, cannot be waited for by what it waits for.
CREATE OR REPLACE FUNCTION public.directory_hold_labels() RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('directory_labels'));
END $$;

CREATE OR REPLACE FUNCTION public.directory_change_labels() RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT pg_advisory_xact_lock(hashtext('directory_labels'));
END;

CREATE OR REPLACE FUNCTION public.directory_before_write() RETURNS trigger
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM public.directory_hold_labels();
    RETURN NULL;
END $$;

-- Planning the view takes longer than reading one enterprise through it, and no list of keys would
-- be better read in another way: one plan a connection.
CREATE OR REPLACE FUNCTION public.directory_refresh_listings(ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public
SET plan_cache_mode = 'force_generic_plan' AS $$
BEGIN
    IF cardinality(ids) IS NULL OR cardinality(ids) = 0 THEN
        RETURN;
    END IF;
    -- First the lock, then, in another statement, a look at what is there once it is held: of two
    -- writers of one enterprise the second sees what the first one did. NO KEY, because foreign
    -- keys of children hold KEY SHARE on the same rows.
    PERFORM 1 FROM public.directory_enterprise
        WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
    DELETE FROM public.directory_listing l
        WHERE l.enterprise_id = ANY (ids) AND NOT EXISTS (
            SELECT FROM public.directory_enterprise e
            WHERE e.id = l.enterprise_id
                AND public.directory_listed(e.state, e.unreachable_since, e.confirmed_on));
    INSERT INTO public.directory_listing AS l (enterprise_id,
        neq, sort_name, search, keywords, facets, territory, statuses, statuses_until,
        recognised_on, recognised_until, confirmed_on, published_on, latitude, longitude, card)
    SELECT enterprise_id,
        neq, sort_name, search, keywords, facets, territory, statuses, statuses_until,
        recognised_on, recognised_until, confirmed_on, published_on, latitude, longitude, card
    FROM public.directory_listing_truth WHERE enterprise_id = ANY (ids)
    ON CONFLICT (enterprise_id) DO UPDATE SET (
        neq, sort_name, search, keywords, facets, territory, statuses, statuses_until,
        recognised_on, recognised_until, confirmed_on, published_on, latitude, longitude, card) = (
        excluded.neq, excluded.sort_name, excluded.search, excluded.keywords, excluded.facets,
        excluded.territory, excluded.statuses, excluded.statuses_until, excluded.recognised_on,
        excluded.recognised_until, excluded.confirmed_on, excluded.published_on,
        excluded.latitude, excluded.longitude, excluded.card)
    -- What stays the same costs no index an entry.
    WHERE (
        l.neq, l.sort_name, l.search, l.keywords, l.facets, l.territory, l.statuses,
        l.statuses_until, l.recognised_on, l.recognised_until, l.confirmed_on, l.published_on,
        l.latitude, l.longitude, l.card) IS DISTINCT FROM (
        excluded.neq, excluded.sort_name, excluded.search, excluded.keywords, excluded.facets,
        excluded.territory, excluded.statuses, excluded.statuses_until, excluded.recognised_on,
        excluded.recognised_until, excluded.confirmed_on, excluded.published_on,
        excluded.latitude, excluded.longitude, excluded.card);
    PERFORM public.directory_touch(false);
END $$;

-- After a statement on a source table; the argument is its column that names the enterprise, or
-- `offering_id` for the territory of an offering. No table has all the columns named here: a
-- statement is planned where it is first reached, once a connection and a trigger.
--
-- An enterprise whose own prose alone changed keeps the rest of its listing, which is true: the
-- statement holds its row, as whoever refreshes the listing does until the commit, and labels are
-- held. What is asked first names every column of the enterprise that the view reads.
CREATE OR REPLACE FUNCTION public.directory_source_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = 'force_generic_plan' AS $$
DECLARE
    ids bigint[];
    rewritten bigint[];
    written bigint;
    refreshed bigint;
BEGIN
    IF TG_ARGV[0] = 'id' AND TG_OP = 'UPDATE' THEN
        SELECT count(*), array_agg(id) FILTER (WHERE other),
            array_agg(id) FILTER (WHERE prose AND NOT other)
        INTO written, ids, rewritten
        FROM (
            SELECT id, public.directory_listed(n.state, n.unreachable_since, n.confirmed_on) AND
                (o.mission, o.description, o.busy_until, o.confirmed_on) IS DISTINCT FROM
                (n.mission, n.description, n.busy_until, n.confirmed_on) AS prose,
                (o.id, o.state, o.slug, o.name, o.other_names, o.neq, o.legal_form, o.city_id,
                 o.borough_id, o.serves_province, o.latitude, o.longitude, o.published_on,
                 public.directory_listed(o.state, o.unreachable_since, o.confirmed_on))
                IS DISTINCT FROM
                (n.id, n.state, n.slug, n.name, n.other_names, n.neq, n.legal_form, n.city_id,
                 n.borough_id, n.serves_province, n.latitude, n.longitude, n.published_on,
                 public.directory_listed(n.state, n.unreachable_since, n.confirmed_on)) AS other
            FROM old_rows o FULL JOIN new_rows n USING (id)
        ) changed;
        IF rewritten IS NOT NULL THEN
            UPDATE public.directory_listing l SET
                search = l.keywords || (
                    SELECT public.directory_words(o.words ORDER BY o.position, o.id)
                    FROM public.directory_offering o WHERE o.enterprise_id = e.id
                ) || to_tsvector('public.directory_french', public.normalise(
                    concat_ws(' ', e.mission, e.description))),
                confirmed_on = e.confirmed_on,
                card = l.card || jsonb_build_object('busy', e.busy_until, 'mission',
                    CASE WHEN l.card -> 'offerings' = '[]' THEN left(e.mission, 160) ELSE '' END)
            FROM public.directory_enterprise e
            WHERE e.id = l.enterprise_id AND l.enterprise_id = ANY (rewritten);
            GET DIAGNOSTICS refreshed = ROW_COUNT;
            IF refreshed < cardinality(rewritten) THEN
                ids := ids || rewritten;
            END IF;
        END IF;
        IF ids IS NULL AND written > 0 THEN
            PERFORM public.directory_touch(false);
        END IF;
    ELSIF TG_ARGV[0] = 'id' AND TG_OP = 'INSERT' THEN
        SELECT array_agg(id) INTO ids FROM new_rows;
    ELSIF TG_ARGV[0] = 'id' THEN
        SELECT array_agg(id) INTO ids FROM old_rows;
    ELSIF TG_ARGV[0] = 'enterprise_id' AND TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT enterprise_id) INTO ids FROM new_rows;
    ELSIF TG_ARGV[0] = 'enterprise_id' AND TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT enterprise_id) INTO ids FROM old_rows;
    ELSIF TG_ARGV[0] = 'enterprise_id' THEN
        SELECT array_agg(enterprise_id) INTO ids FROM (
            SELECT enterprise_id FROM old_rows UNION SELECT enterprise_id FROM new_rows) changed;
    ELSIF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT enterprise_id) INTO ids FROM public.directory_offering
            WHERE id IN (SELECT offering_id FROM new_rows);
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT enterprise_id) INTO ids FROM public.directory_offering
            WHERE id IN (SELECT offering_id FROM old_rows);
    ELSE
        SELECT array_agg(DISTINCT enterprise_id) INTO ids FROM public.directory_offering
            WHERE id IN (SELECT offering_id FROM old_rows UNION SELECT offering_id FROM new_rows);
    END IF;
    IF ids IS NOT NULL THEN
        PERFORM public.directory_refresh_listings(ids);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION public.directory_source_truncated() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_TABLE_NAME = 'directory_enterprise' THEN
        DELETE FROM public.directory_listing;
        PERFORM public.directory_touch(false);
    ELSE
        PERFORM public.directory_refresh_listings(
            (SELECT array_agg(enterprise_id ORDER BY enterprise_id)
             FROM public.directory_listing));
    END IF;
    RETURN NULL;
END $$;

-- What is shown on the profile alone changes the version, not the listing.
CREATE OR REPLACE FUNCTION public.directory_detail_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM public.directory_touch(false);
    RETURN NULL;
END $$;

DO $$
DECLARE
    source record;
BEGIN
    FOR source IN SELECT * FROM (VALUES
        ('directory_enterprise', 'id'),
        ('directory_enterprise_sectors', 'enterprise_id'),
        ('directory_enterprise_served_regions', 'enterprise_id'),
        ('directory_enterprise_served_counties', 'enterprise_id'),
        ('directory_enterprise_served_cities', 'enterprise_id'),
        ('directory_enterprisebenefit', 'enterprise_id'),
        ('directory_certification', 'enterprise_id'),
        ('directory_recognition', 'enterprise_id'),
        ('directory_offering', 'enterprise_id'),
        ('directory_offering_served_regions', 'offering_id'),
        ('directory_offering_served_counties', 'offering_id'),
        ('directory_offering_served_cities', 'offering_id')
    ) AS source (name, key) LOOP
        EXECUTE format('
            CREATE TRIGGER listing_before BEFORE INSERT OR UPDATE OR DELETE ON public.%1$I
                FOR EACH STATEMENT EXECUTE FUNCTION public.directory_before_write();
            CREATE TRIGGER listing_insert AFTER INSERT ON public.%1$I
                REFERENCING NEW TABLE AS new_rows
                FOR EACH STATEMENT EXECUTE FUNCTION public.directory_source_changed(%2$L);
            CREATE TRIGGER listing_update AFTER UPDATE ON public.%1$I
                REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                FOR EACH STATEMENT EXECUTE FUNCTION public.directory_source_changed(%2$L);
            CREATE TRIGGER listing_delete AFTER DELETE ON public.%1$I
                REFERENCING OLD TABLE AS old_rows
                FOR EACH STATEMENT EXECUTE FUNCTION public.directory_source_changed(%2$L);
            CREATE TRIGGER listing_truncate AFTER TRUNCATE ON public.%1$I
                FOR EACH STATEMENT EXECUTE FUNCTION public.directory_source_truncated();
        ', source.name, source.key);
    END LOOP;
    FOR source IN SELECT unnest(ARRAY[
        'directory_contact', 'directory_permit', 'directory_reference']) AS name
    LOOP
        EXECUTE format('
            CREATE TRIGGER listing_detail
                AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.%I
                FOR EACH STATEMENT EXECUTE FUNCTION public.directory_detail_changed();
        ', source.name);
    END LOOP;
END $$;

-- Labels and places -----------------------------------------------------------------------------

-- Labels whose new name is still to be put in the search text of their many listings.
CREATE TABLE public.directory_renaming (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dimension integer NOT NULL,  -- as in facets; 10 is a borough
    row_id bigint NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (dimension, row_id)
);

-- The enterprises whose listing bears a label.
CREATE OR REPLACE FUNCTION public.directory_bearers(dimension integer, row_id bigint)
RETURNS SETOF bigint
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT enterprise_id FROM public.directory_listing
        WHERE dimension IN (1, 4, 6, 7)
            AND facets @> ARRAY[(dimension * 1000000 + row_id)::integer]
    UNION ALL
    SELECT enterprise_id FROM public.directory_certification
        WHERE dimension = 8 AND status_id = row_id
    UNION ALL
    SELECT id FROM public.directory_enterprise WHERE dimension = 10 AND borough_id = row_id;
END;

CREATE OR REPLACE FUNCTION public.directory_label_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
DECLARE
    label record;
BEGIN
    PERFORM public.directory_touch(true);
    IF TG_OP = 'UPDATE' AND TG_NARGS = 1 THEN
        FOR label IN
            SELECT n.id FROM new_rows n JOIN old_rows o USING (id) WHERE n.name <> o.name
            ORDER BY n.id
        LOOP
            IF (SELECT count(*) FROM (
                    SELECT FROM public.directory_bearers(TG_ARGV[0]::integer, label.id)
                    LIMIT 2001) bearers) > 2000 THEN
                INSERT INTO public.directory_renaming (dimension, row_id)
                    VALUES (TG_ARGV[0]::integer, label.id)
                    -- Renamed again while it is being settled: it has to be settled again.
                    ON CONFLICT (dimension, row_id) DO UPDATE SET asked_at = clock_timestamp();
            ELSE
                PERFORM public.directory_change_labels();
                PERFORM public.directory_refresh_listings((
                    SELECT array_agg(DISTINCT b)
                    FROM public.directory_bearers(TG_ARGV[0]::integer, label.id) b));
            END IF;
        END LOOP;
    END IF;
    RETURN NULL;
END $$;

-- A place that moves (another MRC, another region, better coordinates) moves its listings at once.
CREATE OR REPLACE FUNCTION public.directory_place_moved() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM public.directory_change_labels();
    IF TG_TABLE_NAME = 'directory_city' THEN
        PERFORM public.directory_refresh_listings((
            SELECT array_agg(e.id) FROM public.directory_enterprise e
            JOIN new_rows n ON n.id = e.city_id JOIN old_rows o ON o.id = n.id
            WHERE (n.county_id, n.latitude, n.longitude)
                IS DISTINCT FROM (o.county_id, o.latitude, o.longitude)));
    ELSE
        PERFORM public.directory_refresh_listings((
            SELECT array_agg(e.id) FROM public.directory_enterprise e
            JOIN public.directory_city c ON c.id = e.city_id
            JOIN new_rows n ON n.id = c.county_id JOIN old_rows o ON o.id = n.id
            WHERE n.region_id <> o.region_id));
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE
    label record;
BEGIN
    FOR label IN SELECT * FROM (VALUES
        ('directory_sector', '1'), ('directory_city', '4'), ('directory_benefit', '6'),
        ('directory_purchasingcategory', '7'), ('directory_status', '8'),
        ('directory_borough', '10')
    ) AS label (name, dimension) LOOP
        EXECUTE format('
            CREATE TRIGGER label_update AFTER UPDATE ON public.%1$I
                REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                FOR EACH STATEMENT EXECUTE FUNCTION public.directory_label_changed(%2$L);
        ', label.name, label.dimension);
    END LOOP;
    FOR label IN SELECT unnest(ARRAY[
        'directory_region', 'directory_regionalcounty', 'directory_synonymgroup',
        'directory_synonym', 'directory_postalarea']) AS name
    LOOP
        EXECUTE format('
            CREATE TRIGGER label_update AFTER UPDATE ON public.%1$I
                FOR EACH STATEMENT EXECUTE FUNCTION public.directory_label_changed();
        ', label.name);
    END LOOP;
    FOR label IN SELECT unnest(ARRAY[
        'directory_sector', 'directory_city', 'directory_benefit', 'directory_purchasingcategory',
        'directory_status', 'directory_borough', 'directory_region', 'directory_regionalcounty',
        'directory_synonymgroup', 'directory_synonym', 'directory_postalarea']) AS name
    LOOP
        EXECUTE format('
            CREATE TRIGGER label_others AFTER INSERT OR DELETE OR TRUNCATE ON public.%1$I
                FOR EACH STATEMENT EXECUTE FUNCTION public.directory_label_changed();
        ', label.name);
    END LOOP;
    FOR label IN SELECT unnest(ARRAY['directory_city', 'directory_regionalcounty']) AS name LOOP
        EXECUTE format('
            CREATE TRIGGER place_moved AFTER UPDATE ON public.%1$I
                REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                FOR EACH STATEMENT EXECUTE FUNCTION public.directory_place_moved();
        ', label.name);
    END LOOP;
END $$;

-- A borough is one of the enterprise's own city.
ALTER TABLE public.directory_borough ADD CONSTRAINT borough_in_city UNIQUE (id, city_id);
ALTER TABLE public.directory_enterprise ADD CONSTRAINT enterprise_borough_in_city
    FOREIGN KEY (borough_id, city_id) REFERENCES public.directory_borough (id, city_id)
    DEFERRABLE INITIALLY DEFERRED;

-- Whoever asks for a name or a NEQ that is no longer published is told why.
CREATE INDEX enterprise_archived_name ON public.directory_enterprise (public.fold(name))
    WHERE state = 'archived';

-- The unfiltered page ---------------------------------------------------------------------------

CREATE TABLE public.directory_snapshot (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    version bigint NOT NULL DEFAULT 0,
    day date NOT NULL DEFAULT '0001-01-01',
    taken_at timestamptz NOT NULL DEFAULT '1970-01-01Z',
    total integer NOT NULL DEFAULT 0,
    counts jsonb NOT NULL DEFAULT '{}',
    recent jsonb NOT NULL DEFAULT '[]',
    words jsonb NOT NULL DEFAULT '[]',
    words_version bigint NOT NULL DEFAULT 0
);
INSERT INTO public.directory_snapshot DEFAULT VALUES;

CREATE OR REPLACE FUNCTION public.directory_count_facets(today date) RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_object_agg(code, n), '{}') FROM (
        SELECT code, count(*) AS n FROM public.directory_listing, unnest(facets) code
            GROUP BY code
        UNION ALL
        SELECT 8000000 + status, count(*)
            FROM public.directory_listing, unnest(statuses, statuses_until) s (status, until)
            WHERE until >= today GROUP BY status
        UNION ALL
        SELECT 9000001, count(*) FROM public.directory_listing
            WHERE today BETWEEN recognised_on AND recognised_until
        UNION ALL
        SELECT 9000002, count(*) FROM public.directory_listing
            WHERE confirmed_on >= today - interval '12 months'
    ) counted WHERE n > 0;
END;

-- Count every facet of the whole directory as of `today`, unless another has just done so: the
-- holder of the lock counts, the others wait for it and find it done; where counting is long, they
-- are given what was counted last.
CREATE OR REPLACE FUNCTION public.directory_take_snapshot(today date)
RETURNS public.directory_snapshot
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
DECLARE
    current bigint;
    taken public.directory_snapshot;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('directory_snapshot')) THEN
        SELECT * INTO taken FROM public.directory_snapshot;
        IF taken.total > 50000 THEN
            RETURN taken;
        END IF;
        PERFORM pg_advisory_xact_lock(hashtext('directory_snapshot'));
    END IF;
    SELECT version INTO current FROM public.directory_version;
    SELECT * INTO taken FROM public.directory_snapshot;
    IF taken.version = current AND taken.day = today THEN
        RETURN taken;
    END IF;
    UPDATE public.directory_snapshot SET
        version = current,
        day = today,
        taken_at = clock_timestamp(),
        total = (SELECT count(*) FROM public.directory_listing),
        counts = public.directory_count_facets(today),
        recent = coalesce((
            SELECT jsonb_agg(card) FROM (
                SELECT card FROM public.directory_listing
                ORDER BY published_on DESC, enterprise_id DESC LIMIT 4) newest), '[]')
    RETURNING * INTO taken;
    RETURN taken;
END $$;

-- The words of names and labels, with their frequency: what a mistyped word is corrected to.
CREATE OR REPLACE FUNCTION public.directory_take_words() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
DECLARE
    taken jsonb;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('directory_words'));
    SELECT words INTO taken FROM public.directory_snapshot s
        JOIN public.directory_version v ON v.version = s.words_version;
    IF FOUND THEN
        RETURN taken;
    END IF;
    UPDATE public.directory_snapshot SET
        words_version = (SELECT version FROM public.directory_version),
        words = coalesce((
            SELECT jsonb_agg(jsonb_build_array(word, n) ORDER BY n DESC, word) FROM (
                SELECT word, count(*) AS n FROM (
                    SELECT e.name FROM public.directory_enterprise e
                        WHERE public.directory_listed(e.state, e.unreachable_since, e.confirmed_on)
                    UNION ALL
                    SELECT o.name FROM public.directory_offering o
                        JOIN public.directory_enterprise e ON e.id = o.enterprise_id
                        WHERE public.directory_listed(e.state, e.unreachable_since, e.confirmed_on)
                    UNION ALL SELECT name FROM public.directory_sector
                    UNION ALL SELECT name FROM public.directory_purchasingcategory
                    UNION ALL SELECT name FROM public.directory_status
                    UNION ALL SELECT name FROM public.directory_benefit
                    UNION ALL SELECT term FROM public.directory_synonym
                    UNION ALL SELECT c.name FROM public.directory_city c
                        WHERE EXISTS (SELECT FROM public.directory_enterprise e
                                      WHERE e.city_id = c.id AND public.directory_listed(
                                          e.state, e.unreachable_since, e.confirmed_on))
                ) text (name),
                regexp_split_to_table(name, '[\s,.;:!?()/’''"«»&+0-9–—-]+') word
                WHERE length(word) BETWEEN 4 AND 30
                GROUP BY word
            ) counted), '[]')
    RETURNING words INTO taken;
    RETURN taken;
END $$;

-- What a process is to keep until the version of the data moves, but for what it knows already: the
-- counts as of `known` and `known_day`, the labels of `known_vocabulary`.
-- A function, so that whoever asks only for the version does not pay for planning this.
CREATE OR REPLACE FUNCTION public.directory_state(
    known bigint, known_day date, known_vocabulary bigint) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN (SELECT
        json_build_object(
            'version', s.version, 'day', s.day, 'taken_at', s.taken_at, 'total', s.total,
            'words_version', s.words_version,
            'counts', CASE WHEN (s.version, s.day) <> (known, known_day) THEN s.counts END,
            'recent', CASE WHEN (s.version, s.day) <> (known, known_day) THEN s.recent END,
            'labels', CASE WHEN v.vocabulary <> known_vocabulary
                           THEN public.directory_labels() END
        )
        FROM public.directory_version v, public.directory_snapshot s
    );
END $$;

-- Every name that a page may need.
CREATE OR REPLACE FUNCTION public.directory_labels() RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN (SELECT
        json_build_object(
            'sectors', (SELECT json_agg(json_build_array(id, slug, name, retired, replaced_by_id)
                                        ORDER BY position, name, id) FROM public.directory_sector),
            'benefits', (SELECT json_agg(json_build_array(id, slug, name, retired, replaced_by_id)
                                         ORDER BY position, name, id) FROM public.directory_benefit),
            'statuses', (SELECT json_agg(json_build_array(id, slug, name, retired, replaced_by_id)
                                         ORDER BY position, name, id) FROM public.directory_status),
            'categories', (SELECT json_agg(json_build_array(id, code, name, retired, replaced_by_id)
                                           ORDER BY position, name, id) FROM public.directory_purchasingcategory),
            'regions', (SELECT json_agg(json_build_array(id, slug, name, code) ORDER BY code)
                        FROM public.directory_region),
            'counties', (SELECT json_agg(json_build_array(id, slug, name, title, code, region_id)
                                         ORDER BY name, id) FROM public.directory_regionalcounty),
            'cities', (SELECT json_agg(json_build_array(
                            id, slug, name, code, county_id, latitude, longitude)
                            ORDER BY name, population DESC, id) FROM public.directory_city),
            'boroughs', (SELECT json_agg(json_build_array(id, name, city_id) ORDER BY id)
                     FROM public.directory_borough),
            'postal', (SELECT json_object_agg(code, json_build_array(latitude, longitude))
                       FROM public.directory_postalarea),
            'synonyms', (SELECT json_agg(terms) FROM (
                            SELECT json_agg(term ORDER BY id) AS terms FROM public.directory_synonym
                            GROUP BY group_id) grouped)
        )
    );
END $$;
