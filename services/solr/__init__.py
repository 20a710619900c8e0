"""Solr from published jars: the class path (Maven), the launcher (Java) and the homes that it starts with."""
