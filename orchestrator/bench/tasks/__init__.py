"""The published task forms of interaction, as timed symbolic scenarios that exact code scores.

Symbolic miniatures, not the published sets: where those have recordings there are keys, transcripts and captions
here, and where those have a judge there is a rule. `forms` makes the cases from a seed, `scores` reads a neutral record
of who said what when, `holding` holds the conversation, `catalogue` names the tasks, `report` holds the figures.
"""
