"""What the platform's functions share: events, the ledger's items, the buckets and settling."""
