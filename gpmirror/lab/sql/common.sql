-- What a Greenplum coordinator of every generation has and PostgreSQL lacks. The schema stands
-- before pg_catalog in search_path, so its names win.
CREATE SCHEMA gp;
GRANT USAGE ON SCHEMA gp TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA gp GRANT SELECT ON TABLES TO PUBLIC;

CREATE TABLE gp.gp_configuration_history ("time" timestamptz, dbid smallint, "desc" text);
CREATE TABLE gp.gp_version_at_initdb (schemaversion smallint, productversion text);

-- How far the prober is. Sequences, because they tell at once, outside every transaction.
CREATE SEQUENCE gp.lab_probe_started MINVALUE 0 START 0;
CREATE SEQUENCE gp.lab_probe_done MINVALUE 0 START 0;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA gp TO PUBLIC;

-- How often the prober looks by itself: a setting of Greenplum's that PostgreSQL does not know.
CREATE VIEW gp.pg_settings AS
  SELECT * FROM pg_catalog.pg_settings
  UNION ALL
  SELECT (jsonb_populate_record(s, '{"name": "gp_fts_probe_interval", "setting": "1"}')).*
    FROM pg_catalog.pg_settings s WHERE name = 'checkpoint_timeout';

-- Bytes of all databases on each acting primary, as the prober last measured.
CREATE UNLOGGED TABLE gp.lab_size (content smallint PRIMARY KEY, bytes bigint NOT NULL);

-- Mirrors whose server a utility failed to start (4.3, 5): the prober goes on calling them up.
CREATE TABLE gp.lab_never_started (dbid smallint PRIMARY KEY, until timestamptz NOT NULL);

-- Acting primaries that do not answer and for which nobody takes over, where the lab is told to mind
-- them: what is asked of all segments fails then, in the words of 6.24.3.
CREATE UNLOGGED TABLE gp.lab_silent (content smallint PRIMARY KEY, place text NOT NULL);
CREATE FUNCTION gp.lab_dispatch() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
  told text;
BEGIN
  SELECT string_agg(format('could not connect to server: Connection refused  (seg%s %s)', content,
    place), E'\n' ORDER BY content) INTO told FROM gp.lab_silent;
  IF told IS NOT NULL THEN
    RAISE EXCEPTION 'failed to acquire resources on one or more segments' USING DETAIL = told;
  END IF;
  RETURN true;
END $$;

-- Waits for a whole probe that began after the call. An advisory lock is the request: taking one
-- is allowed in a read-only session too.
CREATE FUNCTION gp.lab_request_probe() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  mine bigint;
  reached bigint := 0;
  late timestamptz := clock_timestamp() + interval '20 s';
BEGIN
  PERFORM pg_catalog.pg_advisory_lock_shared(7077, 1);
  BEGIN
    SELECT last_value + 1 INTO mine FROM gp.lab_probe_started;
    WHILE reached < mine AND clock_timestamp() < late LOOP
      PERFORM pg_catalog.pg_sleep(0.02);
      SELECT last_value INTO reached FROM gp.lab_probe_done;
    END LOOP;
  EXCEPTION WHEN query_canceled OR OTHERS THEN
    PERFORM pg_catalog.pg_advisory_unlock_shared(7077, 1);
    RAISE;
  END;
  PERFORM pg_catalog.pg_advisory_unlock_shared(7077, 1);
  RETURN true;
END $$;

-- The prober's rest: ends after so many seconds, or when a probe is requested.
CREATE FUNCTION gp.lab_rest(seconds double precision) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  late timestamptz := clock_timestamp() + seconds * interval '1 s';
BEGIN
  WHILE clock_timestamp() < late LOOP
    PERFORM pg_catalog.pg_sleep(0.03);
    EXIT WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_locks
      WHERE locktype = 'advisory' AND classid = 7077 AND objid = 1 AND objsubid = 2 AND granted);
  END LOOP;
END $$;

-- `gp_dist_random('pg_database')` with `pg_database_size(oid)` is how segments are measured. Here
-- each segment is one made-up database, whose size the prober has measured.
CREATE FUNCTION gp.gp_dist_random(relation text)
  RETURNS TABLE (gp_segment_id integer, oid oid, datname name) LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM gp.lab_dispatch();
  RETURN QUERY SELECT s.content::integer, (4000000000 + s.content)::oid, 'postgres'::name
    FROM gp.lab_size s WHERE relation = 'pg_database';
END $$;
CREATE FUNCTION gp.pg_database_size(database oid) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN database::bigint >= 4000000000
    THEN (SELECT bytes FROM gp.lab_size WHERE content = database::bigint - 4000000000)
    ELSE pg_catalog.pg_database_size(database) END $$;
