/** A VMware VM takes 4 PVSCSI controllers × 15 disks; the master target's own disk needs none of these. */
export const MAX_DISKS_PER_MASTER_TARGET = 60;

/** Less than this and not even one small delta can be staged. */
export const MIN_RETENTION_FREE_BYTES = 1024 ** 3;

/** Azure lets five SAS of one snapshot family live at once; two (base and current) are in use per cycle. */
export const SNAPSHOT_SAS_SECONDS = 3600;

/**
 * How often the last delta is begun anew, because its snapshot was deleted (whatever deletes them goes on doing so), or
 * because Azure did not answer for a quarter of an hour.
 */
export const FINAL_DELTA_REPEATS = 2;

/** An agent that was silent for longer does not get work. Three missed heartbeats of 15 s. */
export const HEARTBEAT_STALE_MS = 50_000;

/** A newest recovery point that is older than this is a warning, unless the item says otherwise. */
export const RPO_THRESHOLD_MINUTES = 60;

/** History of one job that is kept in its record (a table row holds 64 KiB a property). */
export const MAX_JOB_EVENTS = 120;
export const MAX_JOB_CYCLES = 60;

/** `autoFailover` opens the gate once a delta cycle was at most this long: the downtime to expect. */
export const AUTO_FAILOVER_MAX_CYCLE_MS = 5 * 60_000;

/** Looks at the record per execution of a gate, before its history starts afresh. */
export const GATE_LOOKS_PER_EXECUTION = 40;

/** Looks for the result of a command per execution; at 5 minutes each about three hours. */
export const COMMAND_LOOKS_PER_EXECUTION = 40;

/** How often a command is asked again that an outage of the hypervisor held up; at 30 minutes each half a day. */
export const HELD_UP_TURNS = 24;

/** The same where disks have no room at home to grow; at 30 minutes each a week, as a seal waits for a full volume. */
export const ROOM_TURNS = 336;

/** Pause between two deltas towards Azure of a machine that is home. */
export const REVERSE_CYCLE_MS = 5 * 60_000;

/** A preflight that ends within this is answered at once; clients and proxies wait at least 30 s. */
export const PREFLIGHT_WAIT_MS = 20_000;

/** Records that one run of the timer looks at, and at the same time: it goes on at its next run. */
export const MAX_PRUNED_PER_RUN = 10_000;
export const PRUNE_BATCH = 100;
export const PRUNE_CONCURRENCY = 10;

/** Undo text and evidence kept in a job's report. */
export const MAX_REPORT_TEXT = 400;

/** More blocks that differ than this are no accident: the disk is not repaired, and does not boot. */
export const MAX_REPAIRED_BLOCKS = 512;

/** What was measured; a run keeps a line a machine in one table row of at most 1 MiB. */
export const MAX_PLAN_MACHINES = 500;
export const MAX_PLAN_GROUPS = 50;

/** Looks at the machines of a plan per execution, before the history starts afresh. */
export const PLAN_LOOKS_PER_EXECUTION = 40;

/** Records that one activity of a plan reads or writes at the same time. */
export const PLAN_CONCURRENCY = 10;

/** Of what a script wrote, its end; of what a webhook answered, its beginning. */
export const MAX_ACTION_OUTPUT = 2_000;

/**
 * A table row holds 1 MiB of UTF-16. What is left is for decisions beyond those that are counted: whoever does an
 * action again and again adds a line each time.
 */
export const MAX_RUN_CHARACTERS = 450_000;

/** In the record of a run, as stored: an action's output, a person's note, a machine's error. */
export const MAX_KEPT_OUTPUT = 300;
export const MAX_KEPT_NOTE = 600;
export const MAX_KEPT_ERROR = 200;
