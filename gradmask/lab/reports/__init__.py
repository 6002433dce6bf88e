"""What records say: intervals, effects, tables; nothing here needs torch."""
