"""Pictures and pages: matplotlib figures for papers (PNG, SVG, PDF), self-contained HTML pages, and timelines as Chrome traces.

Each module draws one kind of figure from plain data (mappings and arrays); `hwsim.plot.data` reads that data from reports and sweep folders.
matplotlib, duckdb, plotly and jinja2 are imported when a figure or a page is made, never by ``import hwsim.plot``.
"""
