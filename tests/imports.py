"""What tests of the import share: rows, and what was said of them."""

from directory.imports.mapping import Answers

NPO = Answers(constants={"legal_form": "npo"})
NEQ, OTHER_NEQ, WRONG_NEQ = "1147627393", "1143453513", "1147627394"
PERSON = {"Personne-ressource": "aicha  FICTIVE", "Courriel du contact": "autre@traiteur.example"}


def said(entry):
    return " / ".join(map(str, entry.messages))


def row(**cells):
    named = {"name": "Nom", "city": "Ville", "neq": "NEQ"}
    return {"Nom": "Traiteur du parc", "Ville": "Brossard"} | {
        named.get(name, name): value for name, value in cells.items()
    }
