"""Application processors: cores in clusters of unlike speed, with vector units, behind caches and DRAM."""
