"""The sweep: finds what no message will ever tell again, and puts it right."""
