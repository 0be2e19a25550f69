"""What tests of the import share: rows, and what was said of them."""

import csv
import io
import time

from django.urls import reverse

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


ADD = "admin:directory_importbatch_add"


def address(page, batch, *args):
    return reverse(f"admin:directory_importbatch_{page}", args=[batch.pk, *args])


def as_csv(rows):
    content = io.StringIO()
    writer = csv.DictWriter(content, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return content.getvalue().encode()


def writing(session):
    """The server's process that writes the import, once it has written some of it."""
    asked = """SELECT a.pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
        WHERE a.datname = current_database() AND l.relation = 'directory_enterprise'::regclass
          AND l.mode = 'RowExclusiveLock' AND a.pid <> pg_backend_pid()"""
    deadline = time.monotonic() + 60
    while not (found := session.execute(asked).fetchone()):
        assert time.monotonic() < deadline, "nobody writes"
        time.sleep(0.005)
    return found[0]


# --- A list as people keep them: fictional names, and every mistake that lists have

KINDS = ("Coopérative", "Ateliers", "Maison", "Cuisine", "Ressourcerie", "Friperie", "Jardins")
PLACES = (
    "des Érables",
    "du Ruisseau",
    "de la Gare",
    "des Pins",
    "du Moulin",
    "des Lilas",
    "du Cap",
)
CITIES = ("Longueuil", "BROSSARD", "St-Bruno-de-Montarville", "Boucherville", "saint-hubert")


def messy(count):
    """Rows of a list of `count` enterprises; one in ten or so has something wrong."""
    rows = [
        {"Organisme": "RESSOURCERIE DES RIVES", "Ville": "Longueuil", "Tél.": "450-555-0100"},
        {"Organisme": "Cuisine des Voisins", "Ville": "Longueuil", "Tél.": "450-555-0101"},
    ]
    for number in range(count - len(rows)):
        kind, place = KINDS[number % 7], PLACES[number // 7 % 7]
        row = {
            "Organisme": f"{kind} {place} {number // 49 + 1}{'ABCDEFG'[number % 7]}",
            "Ville": CITIES[number % 5],
            "Tél.": f"(450) 555.{number:04d}",
            "Courriel": f"info{number}@exemple.test",
            "Responsable": f"Personne Fictive {number}",
            "Secteur": "alimentation" if number % 3 else "",
            "Remarques": "à rappeler" if number % 11 == 0 else "",
        }
        row |= MISTAKES.get(number % 40, {})
        if number % 40 == 39:
            row = rows[-1] | {"Courriel": "autre@exemple.test"}  # said again, otherwise
        rows.append(row)
    return rows


MISTAKES = {
    5: {"Ville": "Chicoutimi-Nord"},
    12: {"Organisme": ""},
    20: {"Tél.": "555-01"},
    27: {"Courriel": "info arobase exemple"},
    33: {"Ville": "Ottawa, ON"},
}
