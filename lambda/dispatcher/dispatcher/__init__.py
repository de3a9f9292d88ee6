"""The dispatcher function: one queue message at a time becomes a job, kept until the job's outcome is settled."""
