"""What tests start from: a database with its reference data, put back after a test that commits.

Django empties every table after such a test. Reading the reference data from their files again
takes seconds, a thousand times a run; here what was changed is copied back from tables apart.
"""

from django.db import connection

from directory import reference, roles
from directory.transactions import long_transaction

KEEP = """
CREATE SCHEMA kept;
DO $$
DECLARE
    name text;
    filled boolean;
BEGIN
    FOREACH name IN ARRAY string_to_array('{tables}', ',') LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO filled;
        IF filled THEN
            EXECUTE format('CREATE TABLE kept.%1$I AS TABLE public.%1$I', name);
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION kept.said(place text, name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    EXECUTE format(
        'SELECT md5(string_agg(row::text, '''' ORDER BY row::text)) FROM %I.%I row', place, name
    ) INTO said;
    RETURN coalesce(said, '');
END $$;

CREATE PROCEDURE kept.put_back() LANGUAGE plpgsql AS $$
DECLARE
    name text;
    columns text;
    changed boolean;
    to_empty text[] := '{{}}';
BEGIN
    FOREACH name IN ARRAY string_to_array('{tables}', ',') LOOP
        IF to_regclass(format('kept.%I', name)) IS NULL THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO changed;
        ELSE
            changed := kept.said('public', name) <> kept.said('kept', name);
        END IF;
        IF changed THEN
            to_empty := to_empty || format('public.%I', name);
        END IF;
    END LOOP;
    IF to_empty = '{{}}' THEN
        RETURN;
    END IF;
    EXECUTE 'TRUNCATE ' || array_to_string(to_empty, ', ') || ' CASCADE';
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = 'kept'::regnamespace AND relkind = 'r' LOOP
        IF kept.said('public', name) = '' THEN
            SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
                WHERE attrelid = format('public.%I', name)::regclass
                AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
            EXECUTE format(
                'INSERT INTO public.%1$I (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM kept.%1$I',
                name, columns
            );
        END IF;
    END LOOP;
END $$;
"""


def make() -> None:
    """The reference data, in a database new or left by another run, and what puts them back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('kept.put_back()') IS NOT NULL")
        if cursor.fetchone()[0]:
            put_back()
            cursor.execute("DROP SCHEMA kept CASCADE")
    reference.load()
    roles.load_groups()
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with connection.cursor() as cursor:
        cursor.execute(KEEP.format(tables=",".join(sorted(tables))))


def put_back() -> None:
    """Every table of ours as `make` left it."""
    with long_transaction(), connection.cursor() as cursor:
        cursor.execute("CALL kept.put_back()")
