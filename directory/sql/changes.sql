-- directory_change: what became of each public address, so that those who keep a copy of the data
-- can follow. One row an address that ever was public, so it grows with the directory and not with
-- its use. Kept by triggers on what listings and exports show; nothing else writes it.

CREATE TABLE public.directory_change (
    slug text PRIMARY KEY,
    enterprise_id bigint NOT NULL,
    transaction xid8 NOT NULL,  -- the last that changed what this address shows, or withdrew it
    published xid8 NOT NULL,    -- the one since which it is public
    withdrawn boolean NOT NULL DEFAULT false
);
CREATE INDEX change_transaction ON public.directory_change (transaction, slug);
CREATE INDEX change_enterprise ON public.directory_change (enterprise_id);

-- Which version of the data each of those transactions made. Versions are given at commit, to one
-- writer at a time: whoever reads version 12 sees all that led to it and can ask for what came
-- after, however long others were at work meanwhile. The time of a write would not say as much.
CREATE TABLE public.directory_commit (
    version bigint PRIMARY KEY,
    transaction xid8 NOT NULL UNIQUE,
    committed_at timestamptz NOT NULL
);
CREATE INDEX commit_day ON public.directory_commit (committed_at);

-- The enterprises that a transaction under way has touched; empty once it is over.
CREATE UNLOGGED TABLE public.directory_changing (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    enterprise_id bigint NOT NULL,
    PRIMARY KEY (transaction, enterprise_id)
);

CREATE OR REPLACE FUNCTION public.directory_note_change(id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO public.directory_changing (enterprise_id) VALUES (id) ON CONFLICT DO NOTHING;
END $$;

-- What the public reads of an enterprise beyond its listing. Facts kept for staff (provenance,
-- version, who confirmed) are left out. The trigger names the same columns: a statement that sets
-- none of them does not come here.
CREATE OR REPLACE FUNCTION public.directory_enterprise_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF NEW.state = 'published' AND (
        OLD.founded_year, OLD.size, OLD.languages, OLD.logo, OLD.external_ids, OLD.address,
        OLD.postal_code, OLD.geo_precision, OLD.phone, OLD.phone_extension, OLD.email, OLD.website,
        OLD.insured_amount, OLD.smallest_order, OLD.largest_order, OLD.lead_time_days,
        OLD.accepts_cobidding, OLD.on_seao
    ) IS DISTINCT FROM (
        NEW.founded_year, NEW.size, NEW.languages, NEW.logo, NEW.external_ids, NEW.address,
        NEW.postal_code, NEW.geo_precision, NEW.phone, NEW.phone_extension, NEW.email, NEW.website,
        NEW.insured_amount, NEW.smallest_order, NEW.largest_order, NEW.lead_time_days,
        NEW.accepts_cobidding, NEW.on_seao
    ) THEN
        PERFORM public.directory_note_change(NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION public.directory_part_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO public.directory_changing (enterprise_id)
            SELECT enterprise_id FROM public.directory_change WHERE NOT withdrawn
            ON CONFLICT DO NOTHING;
        PERFORM public.directory_touch(false);
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM public.directory_note_change(OLD.enterprise_id);
    END IF;
    IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' AND NEW.enterprise_id <> OLD.enterprise_id THEN
        PERFORM public.directory_note_change(NEW.enterprise_id);
    END IF;
    RETURN NULL;
END $$;

-- A listing that the monthly draw moves says nothing new: only its position is set.
CREATE TRIGGER change_listing AFTER INSERT OR DELETE OR UPDATE OF card ON public.directory_listing
    FOR EACH ROW EXECUTE FUNCTION public.directory_part_changed();
CREATE TRIGGER change_truncate AFTER TRUNCATE ON public.directory_listing
    FOR EACH STATEMENT EXECUTE FUNCTION public.directory_part_changed();

CREATE OR REPLACE TRIGGER change_enterprise AFTER UPDATE OF
        founded_year, size, languages, logo, external_ids, address, postal_code, geo_precision,
        phone, phone_extension, email, website, insured_amount, smallest_order, largest_order,
        lead_time_days, accepts_cobidding, on_seao ON public.directory_enterprise
    FOR EACH ROW EXECUTE FUNCTION public.directory_enterprise_changed();

-- Rows of these that come or go change the listing; those of the next, nothing but the profile.
DO $$
DECLARE
    part text;
BEGIN
    FOREACH part IN ARRAY ARRAY['directory_offering', 'directory_certification',
        'directory_enterprisebenefit', 'directory_contact', 'directory_permit',
        'directory_reference']
    LOOP
        EXECUTE format('
            CREATE TRIGGER change_update AFTER UPDATE ON public.%I
                FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
                EXECUTE FUNCTION public.directory_part_changed()', part);
    END LOOP;
    FOREACH part IN ARRAY ARRAY['directory_contact', 'directory_permit', 'directory_reference']
    LOOP
        EXECUTE format('
            CREATE TRIGGER change_others AFTER INSERT OR DELETE ON public.%1$I
                FOR EACH ROW EXECUTE FUNCTION public.directory_part_changed();
            CREATE TRIGGER change_truncate AFTER TRUNCATE ON public.%1$I
                FOR EACH STATEMENT EXECUTE FUNCTION public.directory_part_changed()', part);
    END LOOP;
END $$;

-- At commit, what each enterprise touched has become is read from its listing, once, however many
-- statements touched it: nothing is remembered of what they did, so nothing can drift.
CREATE OR REPLACE FUNCTION public.directory_settle_changes() RETURNS trigger
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ids bigint[];
BEGIN
    -- Most often one listing that this transaction itself wrote, which nobody else can write until
    -- it ends, still at its address: one statement settles it.
    WITH gone AS (
        DELETE FROM public.directory_changing
        WHERE transaction = pg_current_xact_id() RETURNING enterprise_id
    ), settled AS (
        UPDATE public.directory_change c SET transaction = pg_current_xact_id()
        FROM gone JOIN public.directory_listing l USING (enterprise_id)
        WHERE c.enterprise_id = gone.enterprise_id AND NOT c.withdrawn
            AND l.card ->> 'slug' = c.slug AND l.xmin = pg_current_xact_id()::xid
        RETURNING c.enterprise_id
    )
    SELECT array_agg(enterprise_id) INTO ids FROM gone
    WHERE enterprise_id NOT IN (SELECT enterprise_id FROM settled);
    IF ids IS NULL THEN
        RETURN NULL;
    END IF;
    -- As for a refresh: the lock first, what is there in a later statement.
    PERFORM 1 FROM public.directory_enterprise
        WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
    UPDATE public.directory_change c
        SET withdrawn = true, transaction = pg_current_xact_id()
        WHERE c.enterprise_id = ANY (ids) AND NOT c.withdrawn AND NOT EXISTS (
            SELECT FROM public.directory_listing l
            WHERE l.enterprise_id = c.enterprise_id AND l.card ->> 'slug' = c.slug);
    INSERT INTO public.directory_change AS c (slug, enterprise_id, transaction, published)
    SELECT card ->> 'slug', enterprise_id, pg_current_xact_id(), pg_current_xact_id()
    FROM public.directory_listing WHERE enterprise_id = ANY (ids) AND card ? 'slug' ORDER BY 1
    ON CONFLICT (slug) DO UPDATE SET
        enterprise_id = excluded.enterprise_id,
        transaction = excluded.transaction,
        published = CASE WHEN c.withdrawn OR c.enterprise_id <> excluded.enterprise_id
                         THEN excluded.published ELSE c.published END,
        withdrawn = false;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION public.directory_record_commit() RETURNS trigger
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO public.directory_commit (version, transaction, committed_at)
    SELECT version, pg_current_xact_id(), clock_timestamp() FROM public.directory_version
    WHERE EXISTS (SELECT FROM public.directory_change WHERE transaction = pg_current_xact_id())
    -- Restored in another server, transactions are counted from the beginning again: a number
    -- that comes back takes its place at the end, and some addresses are told twice.
    ON CONFLICT (transaction) DO UPDATE
        SET version = excluded.version, committed_at = excluded.committed_at;
    RETURN NULL;
END $$;

-- Triggers of one event run in the order of their names: what changed is settled, then the version
-- moves (directory_touch_committed), and from there, where other writers wait, one row is left.
CREATE CONSTRAINT TRIGGER directory_touch_changes AFTER INSERT ON public.directory_touch
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION public.directory_settle_changes();
CREATE CONSTRAINT TRIGGER directory_touch_recorded AFTER INSERT ON public.directory_touch
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION public.directory_record_commit();

-- What is there already changed today, for all that is known; what was archived is withdrawn.
INSERT INTO public.directory_change (slug, enterprise_id, transaction, published, withdrawn)
SELECT slug, id, pg_current_xact_id(), pg_current_xact_id(), state = 'archived'
FROM public.directory_enterprise
WHERE state = 'published' OR state = 'archived' AND published_on IS NOT NULL;
INSERT INTO public.directory_commit (version, transaction, committed_at)
SELECT version, pg_current_xact_id(), clock_timestamp() FROM public.directory_version;
