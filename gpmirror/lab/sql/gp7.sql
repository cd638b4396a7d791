-- Greenplum 7, on top of 6: positions are called LSNs, and a base backup is not called in sync.
DROP VIEW gp.gp_stat_replication;
CREATE VIEW gp.gp_stat_replication AS
  SELECT c.content::integer AS gp_segment_id, r.pid, r.usesysid, r.usename, r.application_name,
         r.client_addr, r.client_hostname, r.client_port, r.backend_start, r.backend_xmin, r.state,
         r.sent_location AS sent_lsn, r.write_location AS write_lsn, r.flush_location AS flush_lsn,
         r.replay_location AS replay_lsn, r.sync_priority, r.sync_state,
         CASE WHEN r.content IS NULL THEN NULL ELSE 'none' END AS sync_error
    FROM (SELECT DISTINCT content FROM gp.gp_segment_configuration
           WHERE content >= 0 AND role = 'm') c
    LEFT JOIN gp.lab_replication r ON r.content = c.content
   WHERE gp.lab_dispatch();

-- How far base backups are, as the prober saw it last.
CREATE UNLOGGED TABLE gp.lab_progress (
  content smallint NOT NULL, backup_streamed bigint, backup_total bigint);
CREATE VIEW gp.gp_stat_progress_basebackup AS
  SELECT content::integer AS gp_segment_id, backup_streamed, backup_total FROM gp.lab_progress;
