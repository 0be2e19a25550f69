-- How text is made comparable. Both functions have a twin in search.py, and a test that holds
-- them equal; neither relies on the server's locale, nor on an extension.

CREATE OR REPLACE FUNCTION public.fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.lower(
    pg_catalog.translate(
        pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
        pg_catalog.replace(
            -- Accents apart from their letters, then away, with all that cannot be seen.
            pg_catalog.regexp_replace(
                normalize(value, NFD) COLLATE "C",
                '[\u0300-\u036f\u00ad\u200b-\u200d\u202a-\u202e\u2060\u2066-\u2069\ufeff]+',
                '', 'g'),
            'œ', 'oe'), 'Œ', 'oe'), 'æ', 'ae'), 'Æ', 'ae'), 'ß', 'ss'),
        U&'\00A0\2007\2009\202F\2019\2018\02BC\2032`´\2010\2011\2012\2013\2014øØłŁđĐı',
        '    ''''''''''''-----oollddi'
    ) COLLATE "C"
);

-- The signs that fold() turns into others separate words here: few texts have a letter that is not
-- of the alphabet once the accents are gone, and the others are spared looking for them.
CREATE OR REPLACE FUNCTION public.normalise(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    words text COLLATE "C" := lower(regexp_replace(
        normalize(value, NFD) COLLATE "C",
        '[\u0300-\u036f\u00ad\u200b-\u200d\u202a-\u202e\u2060\u2066-\u2069\ufeff]+', '', 'g'));
BEGIN
    -- A space that parts two words already stays as it is: each match has its price.
    words := regexp_replace(words,
        '[\u0001-\u001f!-/:-`{-\u00bf×÷\u2000-\u206f\u2190-\u2bff\u3000-\u303f]'
        '[\u0001-/:-`{-\u00bf×÷\u2000-\u206f\u2190-\u2bff\u3000-\u303f]*'
        '| [\u0001-/:-`{-\u00bf×÷\u2000-\u206f\u2190-\u2bff\u3000-\u303f]+', ' ', 'g');
    IF octet_length(words) <> length(words) THEN
        words := regexp_replace(public.fold(words), '[ '']+', ' ', 'g');
    END IF;
    words := regexp_replace(words, '([a-z]{2})eaux(?= |$)', '\1eau', 'g');
    words := regexp_replace(words, '([a-z]{2})yaux(?= |$)', '\1yau', 'g');
    words := regexp_replace(words, '([a-z]{3})aux(?= |$)', '\1al', 'g');
    words := regexp_replace(words, '([a-z]{3})[sx](?= |$)', '\1', 'g');
    words := regexp_replace(words, '([a-z]{3})ail(?= |$)', '\1al', 'g');
    words := regexp_replace(words, '([a-z]{3})i(el|au)(?= |$)', '\1ial', 'g');
    words := regexp_replace(words, '([a-z]{3})ere(?= |$)', '\1er', 'g');
    words := regexp_replace(words, '([a-z]{3})ee(?= |$)', '\1e', 'g');
    RETURN btrim(words);
END $$;

CREATE TEXT SEARCH DICTIONARY public.directory_stem (
    TEMPLATE = pg_catalog.snowball, Language = french
);

-- Every word goes through the French stemmer, stop words included: a phrase needs them, and a
-- query outside phrases does not ask for them.
CREATE TEXT SEARCH CONFIGURATION public.directory_french (PARSER = pg_catalog."default");
ALTER TEXT SEARCH CONFIGURATION public.directory_french
    ADD MAPPING FOR asciiword, word, numword WITH public.directory_stem;
ALTER TEXT SEARCH CONFIGURATION public.directory_french
    ADD MAPPING FOR int, uint, float, sfloat, version WITH pg_catalog.simple;
