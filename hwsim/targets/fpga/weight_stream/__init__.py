"""Language models whose decode is as fast as weights stream from memory: one engine, a design file each."""
