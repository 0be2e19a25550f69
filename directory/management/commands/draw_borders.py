import json
from pathlib import Path

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from directory import borders


class Command(BaseCommand):
    help = "Allège un GeoJSON de limites administratives pour le fond de la carte."

    def add_arguments(self, parser):
        parser.add_argument("source", type=Path, help="GeoJSON d’origine, en WGS84")
        parser.add_argument("target", type=Path, help="par exemple config/static/geo/regions.json")

    def handle(self, source, target, **options):
        drawn = borders.lightened(json.loads(source.read_text(encoding="utf-8")))
        text = json.dumps(drawn, ensure_ascii=False, separators=(",", ":"))
        target.write_text(text + "\n", encoding="utf-8")
        size = target.stat().st_size
        self.stdout.write(_("%(target)s\xa0: %(size)d octets.") % {"target": target, "size": size})
