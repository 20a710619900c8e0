"""The Solr tutorial of FOSS4G 2017: its core, and an index of ours in it."""
