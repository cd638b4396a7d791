-- Greenplum 5: directories stand in filespaces; pg_stat_activity has the old column names; there is
-- neither gp_stat_replication nor a probe on request.
CREATE TABLE gp.gp_segment_configuration (
  dbid smallint NOT NULL UNIQUE, content smallint NOT NULL, role "char" NOT NULL,
  preferred_role "char" NOT NULL, mode "char" NOT NULL, status "char" NOT NULL,
  port integer NOT NULL, hostname text, address text, replication_port integer,
  UNIQUE (content, preferred_role));
CREATE TABLE gp.pg_filespace (oid oid NOT NULL UNIQUE, fsname name NOT NULL UNIQUE, fsowner oid);
CREATE TABLE gp.pg_filespace_entry (
  fsefsoid oid NOT NULL, fsedbid smallint NOT NULL, fselocation text, UNIQUE (fsefsoid, fsedbid));
INSERT INTO gp.pg_filespace VALUES (3052, 'pg_system', 10);
CREATE TABLE gp.gp_fault_strategy (fault_strategy "char");
INSERT INTO gp.gp_fault_strategy VALUES ('n');

-- Not visible in the real catalog; the prober sees from it what streams.
CREATE UNLOGGED TABLE gp.lab_replication (
  content smallint NOT NULL, pid integer, usesysid oid, usename name, application_name text,
  client_addr inet, client_hostname text, client_port integer, backend_start timestamptz,
  backend_xmin xid, state text, sent_location pg_lsn, write_location pg_lsn,
  flush_location pg_lsn, replay_location pg_lsn, sync_priority integer, sync_state text);

CREATE VIEW gp.pg_stat_activity AS
  SELECT datid, datname, pid AS procpid, usesysid, usename, application_name, client_addr,
         client_port, backend_start, xact_start, query_start, wait_event IS NOT NULL AS waiting,
         CASE WHEN state = 'idle' THEN '<IDLE>' ELSE query END AS current_query
    FROM pg_catalog.pg_stat_activity WHERE application_name <> 'fts probe';
