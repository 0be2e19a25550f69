"""The forms in which a listing is edited, a section at a time, and what they say in the spelling of
`sections`.

Fields of rows (offerings, people, permits…) are formsets: a row is removed by a box that one ticks,
added by a button that sends the page back with everything typed in it. No JavaScript is needed.
"""
