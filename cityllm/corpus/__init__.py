"""Files become clauses, clauses a ledger, the ledger indexes, the indexes answers to a search."""
