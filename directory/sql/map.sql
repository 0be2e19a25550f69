-- The map of a large directory: how many listings stand in each cell of a grid.
--
-- The world, in the projection of web maps, is a square of 2^level cells a side, counted from its
-- north-west corner. clusters.py holds the same arithmetic.

-- Where a latitude lies between the top of that square (0) and its bottom (1).
CREATE OR REPLACE FUNCTION public.directory_map_y(latitude double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 0.5 - ln(tan(pi() / 4 + radians(latitude) / 2)) / (2 * pi());

-- A pyramid: each level holds four times the cells of the one above. Taken whole, as the snapshot
-- of the unfiltered page is, apart from any request but the first ever.
CREATE TABLE public.directory_cell (
    level smallint NOT NULL,
    x integer NOT NULL,
    y integer NOT NULL,
    listings integer NOT NULL,
    latitudes double precision NOT NULL,  -- sums: their centre of gravity
    longitudes double precision NOT NULL,
    south double precision NOT NULL,
    west double precision NOT NULL,
    north double precision NOT NULL,
    east double precision NOT NULL,
    first_id bigint NOT NULL,  -- the listing itself, where it is alone
    PRIMARY KEY (level, x, y)
);
-- What the deepest level, 14, must hold.
CREATE VIEW public.directory_cell_truth AS
SELECT 14 AS level,
    floor((longitude + 180) / 360 * 16384)::integer AS x,
    floor(public.directory_map_y(latitude) * 16384)::integer AS y,
    count(*) AS listings, sum(latitude) AS latitudes, sum(longitude) AS longitudes,
    min(latitude) AS south, min(longitude) AS west, max(latitude) AS north,
    max(longitude) AS east, min(enterprise_id) AS first_id
FROM public.directory_listing
GROUP BY 2, 3;
-- Apart from the snapshot, so that who counts one never waits for who counts the other.
CREATE TABLE public.directory_cells_taken (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    version bigint NOT NULL DEFAULT 0,
    taken_at timestamptz NOT NULL DEFAULT '1970-01-01Z'
);
INSERT INTO public.directory_cells_taken DEFAULT VALUES;

-- Count the cells again, unless it was done less than a minute ago or for this version. The holder
-- of the lock counts; the others make do with what was counted last, and wait if nothing was.
CREATE OR REPLACE FUNCTION public.directory_take_cells() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
DECLARE
    current bigint;
    taken public.directory_cells_taken;
BEGIN
    SELECT version INTO current FROM public.directory_version;
    SELECT * INTO taken FROM public.directory_cells_taken;
    IF taken.version = current
        OR taken.taken_at > clock_timestamp() - interval '60 seconds' THEN
        RETURN;
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtext('directory_cells')) THEN
        IF taken.version = 0 THEN
            PERFORM pg_advisory_xact_lock(hashtext('directory_cells'));
        END IF;
        RETURN;
    END IF;
    DELETE FROM public.directory_cell;
    INSERT INTO public.directory_cell SELECT * FROM public.directory_cell_truth;
    FOR level_above IN REVERSE 13 .. 0 LOOP
        INSERT INTO public.directory_cell
        SELECT level_above, x >> 1, y >> 1, sum(listings), sum(latitudes), sum(longitudes),
            min(south), min(west), max(north), max(east), min(first_id)
        FROM public.directory_cell
        WHERE level = level_above + 1
        GROUP BY 2, 3;
    END LOOP;
    UPDATE public.directory_cells_taken SET version = current, taken_at = clock_timestamp();
END $$;

-- The cells of one level between these; counted first if they never were.
CREATE OR REPLACE FUNCTION public.directory_cells(
    at_level integer, x_from integer, x_to integer, y_from integer, y_to integer)
RETURNS SETOF public.directory_cell
LANGUAGE plpgsql VOLATILE ROWS 200 SET search_path = pg_catalog, public AS $$
BEGIN
    IF EXISTS (SELECT FROM public.directory_cells_taken WHERE version = 0) THEN
        PERFORM public.directory_take_cells();
    END IF;
    RETURN QUERY SELECT * FROM public.directory_cell
        WHERE level = at_level AND x BETWEEN x_from AND x_to AND y BETWEEN y_from AND y_to;
END $$;
