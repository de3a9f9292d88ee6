"""The embedded AWS and the local fleet: the whole platform on one machine, never used against real AWS."""
