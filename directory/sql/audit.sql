-- directory_auditentry is only added to. What is older than a year may be purged; nothing rewrites it.

CREATE OR REPLACE FUNCTION public.directory_keep_trace() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '1 year' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'A trace is neither changed nor erased.' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER auditentry_kept BEFORE UPDATE OR DELETE ON public.directory_auditentry
    FOR EACH ROW EXECUTE FUNCTION public.directory_keep_trace();
