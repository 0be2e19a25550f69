from django.contrib import admin

from directory import wording
from directory.admin.inlines import Inline
from directory.admin.search import SearchAdmin, folded
from directory.models import Borough, City, PostalArea, Region, RegionalCounty


@admin.register(Region)
class RegionAdmin(SearchAdmin):
    feminine = True
    list_display = ["code", "name"]
    list_display_links = ["code", "name"]
    search_fields = ["code", *folded("name")]


@admin.register(RegionalCounty)
class RegionalCountyAdmin(SearchAdmin):
    feminine = True
    list_display = ["name", "code", "region"]
    list_select_related = ["region"]
    list_filter = ["region"]
    search_fields = ["code", *folded("name")]


class BoroughInline(Inline):
    model = Borough
    prepopulated_fields = {"slug": ["name"]}


@admin.register(City)
class CityAdmin(SearchAdmin):
    feminine = True
    list_display = ["name", "designation", "county", "region", "inhabitants", "code"]
    list_select_related = ["county__region"]
    list_filter = ["county__region", "designation"]
    search_fields = ["code", *folded("name", "county__name")]
    autocomplete_fields = ["county"]
    inlines = [BoroughInline]

    @admin.display(description=Region._meta.verbose_name, ordering="county__region__name")
    def region(self, city):
        return city.county.region

    @admin.display(
        description=City._meta.get_field("population").verbose_name, ordering="population"
    )
    def inhabitants(self, city):
        return wording.number(city.population)


@admin.register(Borough)
class BoroughAdmin(SearchAdmin):
    list_display = ["name", "city"]
    list_select_related = ["city"]
    search_fields = folded("name", "city__name")
    autocomplete_fields = ["city"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(PostalArea)
class PostalAreaAdmin(SearchAdmin):
    list_display = ["code", "name"]
    search_fields = ["code", *folded("name")]
