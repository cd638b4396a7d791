-- Greenplum 6: directories stand in the segments' own table; replication is seen from here.
CREATE TABLE gp.gp_segment_configuration (
  dbid smallint NOT NULL UNIQUE, content smallint NOT NULL, role "char" NOT NULL,
  preferred_role "char" NOT NULL, mode "char" NOT NULL, status "char" NOT NULL,
  port integer NOT NULL, hostname text NOT NULL, address text NOT NULL, datadir text NOT NULL,
  UNIQUE (content, preferred_role));

-- The real prober is no session.
CREATE VIEW gp.pg_stat_activity AS
  SELECT * FROM pg_catalog.pg_stat_activity WHERE application_name <> 'fts probe';

CREATE UNLOGGED TABLE gp.lab_replication (
  content smallint NOT NULL, pid integer, usesysid oid, usename name, application_name text,
  client_addr inet, client_hostname text, client_port integer, backend_start timestamptz,
  backend_xmin xid, state text, sent_location pg_lsn, write_location pg_lsn,
  flush_location pg_lsn, replay_location pg_lsn, sync_priority integer, sync_state text);

-- A content with a mirror and no connection is a row of NULLs. While a base backup streams, the
-- real view calls its connection in sync: so does this one.
CREATE VIEW gp.gp_stat_replication AS
  SELECT c.content::integer AS gp_segment_id, r.pid, r.usesysid, r.usename, r.application_name,
         r.client_addr, r.client_hostname, r.client_port, r.backend_start, r.backend_xmin, r.state,
         r.sent_location, r.write_location, r.flush_location, r.replay_location, r.sync_priority,
         CASE WHEN r.application_name = 'pg_basebackup' AND r.state = 'streaming' THEN 'sync'
              ELSE r.sync_state END AS sync_state,
         CASE WHEN r.content IS NULL THEN NULL ELSE 'none' END AS sync_error
    FROM (SELECT DISTINCT content FROM gp.gp_segment_configuration
           WHERE content >= 0 AND role = 'm') c
    LEFT JOIN gp.lab_replication r ON r.content = c.content
   WHERE gp.lab_dispatch();

CREATE FUNCTION gp.gp_request_fts_probe_scan() RETURNS boolean LANGUAGE sql VOLATILE AS $$
  SELECT gp.lab_request_probe() $$;
