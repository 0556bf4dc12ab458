"""Why was it refused? Every refused publish, play and API call leaves a record that can be asked for.

`models` and `buffer` are all that a media worker needs of it; the rest lives in the control process.
"""
