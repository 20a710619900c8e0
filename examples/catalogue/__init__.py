"""A catalogue of map layers, shaped like GeoNode's, with its document view and a generator of its rows."""
