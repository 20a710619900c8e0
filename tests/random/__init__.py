"""Random schedules, statements and views against the real servers; seeds are printed, and can be given."""
