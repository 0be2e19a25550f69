-- What two listings of one enterprise are likely to share, as keys: only listings that have a key in
-- common are compared (duplicates.py). A key that many share tells nothing, and is passed over.
--   p: telephone   e: e-mail   s: host of the site   w: page on a host
--   n: within a municipality, a word of a name, two of its words, how it begins and ends, all of it

CREATE OR REPLACE FUNCTION public.directory_likeness_keys(
    city bigint, name text, other_names text[], phone text, email text, website text
) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 5000  -- some 0.2 ms: read the index, not the rows
BEGIN ATOMIC
    WITH site AS (
        SELECT substring(lower(website COLLATE "C")
            FROM '^https?://(?:[^/@]*@)?(?:www\.)?([^/:?#]+)') AS host,
            rtrim(substring(lower(website COLLATE "C")
                FROM '^https?://[^/?#]+/([^?#]*)'), '/') AS path
    ), called AS (
        SELECT DISTINCT string_to_array(public.normalise(one), ' ') AS words
        FROM unnest(name || other_names) one
    ), spelled AS (
        SELECT words, array_to_string(words, '') AS whole FROM called
    ), word AS (
        SELECT DISTINCT words, w FROM called, unnest(words[1:8]) w WHERE length(w) > 2
    )
    SELECT array_agg(DISTINCT key) FROM (
        SELECT 'p:' || phone AS key WHERE phone <> ''
        UNION ALL SELECT 'e:' || lower(email COLLATE "C") WHERE email <> ''
        UNION ALL SELECT 's:' || host FROM site WHERE host <> ''
        UNION ALL SELECT 'w:' || host || '/' || path FROM site WHERE host <> '' AND path <> ''
        UNION ALL SELECT 'n:' || city || ':' || w FROM word
        UNION ALL SELECT 'n:' || city || ':' || one.w || ' ' || two.w
            FROM word one JOIN word two ON one.words = two.words AND one.w < two.w
        UNION ALL SELECT 'n:' || city || ':^' || left(whole, 6) FROM spelled
        UNION ALL SELECT 'n:' || city || ':$' || right(whole, 6) FROM spelled
        UNION ALL SELECT 'n:' || city || ':=' || whole FROM spelled
    ) keys;
END;

CREATE INDEX enterprise_likeness ON public.directory_enterprise USING gin (
    public.directory_likeness_keys(
        city_id, name, other_names::text[], phone, email, website)
) WHERE state <> 'archived';
