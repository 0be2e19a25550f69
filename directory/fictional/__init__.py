"""Fictional but credible enterprises, for the demonstration and for volume tests.

Pure Python: no database, no model. What the enterprises say is written by hand in
`fixtures/demo/`; this package only draws from it. Nothing here designates a real enterprise:
NEQ have a third digit the Registraire does not give, phones are in the fictional 555-01xx
range, domains end in `.example`.
"""

from directory.fictional.generator import enterprises
from directory.fictional.numbers import neq

__all__ = ["enterprises", "neq"]
