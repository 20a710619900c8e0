"""Samples: a catalogue with its document view, and the view for a real GeoNode."""
