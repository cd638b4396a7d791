"""Whether what a plan file claims is true, found out by code that shares nothing with the planner.

The planner decides and the audit checks. It reads the file as the planner's own reader does, takes
the catalog, the wanted layout, the settings and what was asked as given, and derives every other
claim from the definitions: classes, waves, slots, native text, exposure, survival, hazards. Import
contracts forbid it the planner, placement, simulation and the views of a content that those share.
"""
