"""Our thin Solr client: status, Solr's own words, retryable told from permanent; no Python client tells all three."""
