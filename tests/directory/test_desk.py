"""The desk: one queue of all that awaits, each item decided on its page."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from directory import claims, desk, moderation, revisions
from directory.models import Claim, Enterprise, ErrorReport, Mail, Revision, Suggestion
from tests.conftest import representing
from tests.factories import (
    EnterpriseFactory,
    ErrorReportFactory,
    RecognitionFactory,
    RevisionFactory,
    SuggestionFactory,
    UserFactory,
)
from tests.sql import recorded_sql

QUEUE = "/moderation/"


def propose(client, enterprise, key="formulaire", **changes):
    enterprise.refresh_from_db()
    return revisions.submit(
        enterprise=enterprise,
        section="identity",
        changes=changes,
        base_version=enterprise.version,
        by=client.user,
        source=Enterprise.Source.OWNER,
        key=key,
    )


@pytest.fixture
def waiting(alice, enterprise, reference):
    return propose(alice, enterprise, name="Ateliers A").waiting


@pytest.fixture
def claim(enterprise):
    return Claim.objects.create(
        enterprise=enterprise,
        user=UserFactory(email="nouvelle@exemple.test"),
        state=Claim.State.WAITING,
        takeover=True,
        function="Direction",
        grounds="Je remplace Alice.",
        phone="450 555-0199",
    )


def page(row):
    names = {
        Revision: "desk_revision",
        Claim: "desk_claim",
        Suggestion: "desk_suggestion",
        ErrorReport: "desk_report",
    }
    return reverse(f"directory:{names[type(row)]}", args=[row.pk])


def decision(client, revision, choice, **said):
    seen = client.get(page(revision)).context["fields"]
    data = {f"vu-{field['name']}": field["seen"] for field in seen}
    data |= {f"choix-{name}": choice for name in revision.changes}
    return client.post(page(revision), data | said, follow=True)


# --- The queue


def test_all_that_awaits_is_in_one_list_the_oldest_first(
    moderator, waiting, claim, enterprise, django_assert_max_num_queries
):
    SuggestionFactory(name="La Brouette")
    ErrorReportFactory(enterprise=enterprise)
    with django_assert_max_num_queries(25):
        response = moderator.get(QUEUE)
    html = response.content.decode()
    for text in ("Modifications à décider", "La Brouette", "nouvelle@exemple.test"):
        assert text in html
    items = [row["item"] for row in response.context["items"]]
    assert len(items) == 4
    assert items == sorted(items, key=lambda item: item.at)


def test_the_queue_is_cut_by_kind_and_by_city(moderator, waiting, reference):
    SuggestionFactory(name="La Brouette")
    html = moderator.get(QUEUE, {"sorte": "suggestions"}).content.decode()
    assert "La Brouette" in html
    assert "Les Ateliers d’Alice" not in html
    assert (
        "Rien n’attend dans cette liste." in moderator.get(QUEUE, {"ville": "x"}).content.decode()
    )


def test_the_queue_is_cut_by_enterprise_until_its_last_item(moderator, waiting, claim, enterprise):
    SuggestionFactory(name="La Brouette")
    other = ErrorReportFactory(enterprise=EnterpriseFactory(name="Le Voisin"))
    response = moderator.get(QUEUE, {"entreprise": enterprise.slug})
    items = [row["item"] for row in response.context["items"]]
    assert {item.pk for item in items} == {waiting.pk, claim.pk}
    html = response.content.decode()
    assert "Pour «\xa0Les Ateliers d’Alice\xa0» seulement." in html
    assert "Le Voisin" not in html
    # From one item to the next, of this enterprise alone.
    kept = f"?entreprise={enterprise.slug}"
    first, last = (item.address + kept for item in items)
    assert [row["url"] for row in response.context["items"]] == [first, last]
    assert moderator.get(first).context["next"] == last
    assert moderator.get(last).context["next"] == first
    assert page(other) not in html
    nothing = moderator.get(QUEUE, {"entreprise": "inconnue"}).content.decode()
    assert "Rien n’attend dans cette liste." in nothing


@pytest.mark.parametrize("value", ["0", "-1", "abc", "9" * 400, "٣"])
def test_a_page_of_the_queue_that_does_not_exist_is_another(moderator, waiting, value):
    response = moderator.get(
        QUEUE, {"page": value, "sorte": value, "ville": value, "entreprise": value}
    )
    assert response.status_code == 200


def test_an_empty_queue_says_so(moderator):
    assert "Rien n’attend. Merci!" in moderator.get(QUEUE).content.decode()


def test_who_decides_nothing_finds_no_desk(member, alice, staff, facilitator, curator, waiting):
    for client in (member, alice, staff, facilitator, curator):
        assert client.get(QUEUE).status_code == (200 if client is curator else 404)
        assert client.get(page(waiting)).status_code == 404
        assert client.post(page(waiting), {"choix-name": "accepter"}).status_code == 404
    waiting.refresh_from_db()
    assert waiting.state == "waiting"


def test_curators_find_there_what_they_alone_can_mend(curator, waiting, enterprise):
    ErrorReportFactory(enterprise=enterprise)
    SuggestionFactory(name="Coopérative à inscrire")
    queue = curator.get(QUEUE).content.decode()
    assert "Erreur signalée" in queue
    assert "Coopérative à inscrire" in queue
    assert "Modification à décider" not in queue
    report = curator.get(f"/moderation/erreurs/{ErrorReport.objects.get().pk}/").content.decode()
    assert reverse("admin:directory_enterprise_change", args=[enterprise.pk]) in report


def test_the_number_of_statements_does_not_follow_the_number_of_items(moderator, enterprise):
    ErrorReportFactory(enterprise=enterprise)
    moderator.get(QUEUE)
    with recorded_sql() as few:
        moderator.get(QUEUE)
    for _ in range(15):
        ErrorReportFactory(enterprise=EnterpriseFactory())
    with recorded_sql() as many:
        moderator.get(QUEUE)
    assert len(many) == len(few)


# --- Revisions


def test_a_revision_shows_before_now_and_proposed_and_is_decided(moderator, waiting, enterprise):
    html = moderator.get(page(waiting)).content.decode()
    assert "Les Ateliers d’Alice" in html
    assert "<ins>Ateliers A</ins>" in html
    response = decision(moderator, waiting, "accepter")
    assert "C’est décidé" in response.content.decode()
    enterprise.refresh_from_db()
    assert enterprise.name == "Ateliers A"
    assert Mail.objects.filter(kind="revision_decided").exists()


def test_nothing_is_chosen_beforehand_for_what_waits(moderator, waiting, enterprise):
    assert 'type="radio"' in moderator.get(page(waiting)).content.decode()
    assert "checked" not in moderator.get(page(waiting)).content.decode()
    html = moderator.post(page(waiting), {}).content.decode()
    assert "Nom\xa0: acceptez ou refusez." in html
    enterprise.refresh_from_db()
    assert enterprise.name == "Les Ateliers d’Alice"


def test_a_refusal_says_why_in_usual_words_or_in_ones_own(moderator, waiting):
    html = decision(moderator, waiting, "refuser").content.decode()
    assert "Dites pourquoi vous refusez." in html
    decision(moderator, waiting, "refuser", usual="1", reason="Merci.")
    waiting.refresh_from_db()
    assert waiting.reason == (
        "Il manque un document qui le prouve. Envoyez-le-nous, puis proposez de nouveau. Merci."
    )


def test_a_listing_changed_meanwhile_is_shown_anew_with_what_was_chosen(
    moderator, waiting, enterprise
):
    seen = moderator.get(page(waiting)).context["fields"][0]["seen"]
    enterprise.name = "Ateliers Z"
    enterprise.save()
    data = {"vu-name": seen, "choix-name": "accepter"}
    response = moderator.post(page(waiting), data)
    assert response.status_code == 409
    html = response.content.decode()
    assert "La fiche a changé depuis que vous avez ouvert cette page." in html
    assert "Ateliers Z" in html
    assert "checked" in html
    decision(moderator, waiting, "accepter")
    enterprise.refresh_from_db()
    assert enterprise.name == "Ateliers A"


def test_the_second_of_two_moderators_is_told_who_decided(moderator, people, waiting, reference):
    data = {"vu-name": moderator.get(page(waiting)).context["fields"][0]["seen"]}
    decision(moderator, waiting, "accepter")
    other = people(email="autre@exemple.test", is_staff=True, is_superuser=True)
    response = other.post(
        page(waiting), data | {"choix-name": "refuser", "reason": "x"}, follow=True
    )
    html = response.content.decode()
    assert "rien n’a été changé" in html
    assert "moderation@exemple.test" in html


def test_who_decided_in_another_window_is_told_so(moderator, waiting):
    data = {"vu-name": moderator.get(page(waiting)).context["fields"][0]["seen"]}
    decision(moderator, waiting, "accepter")
    late = data | {"choix-name": "refuser", "reason": "x"}
    html = moderator.post(page(waiting), late, follow=True).content.decode()
    assert "rien n’a été changé, vous aviez déjà décidé le" in html


def test_those_on_line_already_are_marked_looked_at_together(moderator, alice, enterprise):
    applied = propose(alice, enterprise, mission="Réparer.").applied
    html = moderator.get(QUEUE).content.decode()
    assert "Marquer relues celles qui sont cochées" in html
    data = {"modification": [applied.pk, "x", "9" * 40, "9" * 5000]}
    response = moderator.post(reverse("directory:desk_accept"), data, follow=True)
    assert "1 modification relue." in response.content.decode()
    applied.refresh_from_db()
    assert applied.state == "decided"


def test_once_decided_the_next_of_the_same_list_opens(moderator, alice, enterprise):
    first = propose(alice, enterprise, "un", mission="Réparer.").applied
    second = propose(alice, enterprise, "deux", founded_year=2001).applied
    fields = moderator.get(page(first)).context["fields"]
    data = {f"vu-{field['name']}": field["seen"] for field in fields} | {
        "choix-mission": "accepter"
    }
    response = moderator.post(f"{page(first)}?sorte=a-relire", data)
    assert response.headers["Location"] == f"{page(second)}?sorte=a-relire"


def test_an_item_passed_over_is_met_again_after_the_last(moderator, enterprise):
    reports = [ErrorReportFactory(enterprise=enterprise) for _ in range(3)]
    following = {row: moderator.get(page(row)).context["next"] for row in reports}
    assert following == {
        reports[0]: page(reports[1]),
        reports[1]: page(reports[2]),
        reports[2]: page(reports[0]),
    }
    answer = moderator.post(page(reports[1]), {"action": "handle"})
    assert answer.headers["Location"] == page(reports[2])
    assert page(reports[0]) in moderator.get(page(reports[2])).content.decode()


def test_the_next_item_is_one_row_read(moderator, enterprise):
    first, second, third = (ErrorReportFactory(enterprise=enterprise) for _ in range(3))
    with CaptureQueriesContext(connection) as asked:
        for row, then in ((first, second), (second, third), (third, first)):
            item = desk.after(
                user=moderator.user, kind="erreurs", item=("erreurs", row.pk), at=row.created_at
            )
            assert item.pk == then.pk
    unions = [
        query["sql"] for query in asked if " came" in query["sql"] or '"came"' in query["sql"]
    ]
    assert unions
    assert all("LIMIT" in sql for sql in unions)


def test_a_revision_taken_back_says_so_and_names_nobody_who_left(moderator, waiting):
    revisions.withdraw(revision=waiting, by=waiting.submitted_by)
    waiting.refresh_from_db()
    waiting.submitted_by = waiting.decided_by = None
    waiting.save()
    html = moderator.get(page(waiting)).content.decode()
    assert "N’est plus à décider depuis le" in html
    assert "Retirée par l’entreprise." in html
    assert "proposé par" not in html
    assert "Décidé" not in html


def test_the_only_item_has_none_after_it(moderator, enterprise):
    report = ErrorReportFactory(enterprise=enterprise)
    html = moderator.get(page(report)).content.decode()
    assert "Passer à la suivante" not in html
    answer = moderator.post(page(report), {"action": "handle"})
    assert answer.headers["Location"] == QUEUE


def test_from_what_one_may_not_decide_or_is_decided_the_next_is_a_tap_away(moderator, claim):
    after = ErrorReportFactory()
    onward = f'<a class="button" href="{page(after)}" data-next>'
    Claim.objects.filter(pk=claim.pk).update(user=moderator.user)
    assert onward in moderator.get(page(claim)).content.decode()
    Claim.objects.filter(pk=claim.pk).update(
        state="refused", reason="Non.", decided_at=timezone.now()
    )
    assert onward in moderator.get(page(claim)).content.decode()
    for row in (ErrorReportFactory(), SuggestionFactory()):
        moderator.post(page(row), {"action": "handle"})
        assert "data-next" in moderator.get(page(row)).content.decode()


def test_no_answer_is_promised_where_nobody_left_an_address(moderator):
    for row in (ErrorReportFactory(sender_email=""), SuggestionFactory(sender_email="")):
        html = moderator.get(page(row)).content.decode()
        assert "La personne qui a écrit lira" not in html
        assert "il n’y a pas d’adresse où l’envoyer" in html
    html = moderator.get(page(ErrorReportFactory(sender_email="a@exemple.test"))).content.decode()
    assert "La personne qui a écrit lira ce motif." in html


# --- Claims, suggestions, reports


def test_a_takeover_is_accepted_once_the_listed_number_was_called(moderator, claim, enterprise):
    html = moderator.post(
        page(claim), {"action": "accept", "seen": claims.digest(claim)}
    ).content.decode()
    assert "Rappelez d’abord le numéro de la fiche." in html
    moderator.post(page(claim), {"action": "accept", "called": "on", "seen": claims.digest(claim)})
    claim.refresh_from_db()
    assert claim.state == "accepted"
    assert enterprise.representatives.get(user=claim.user).role == "owner"


def test_a_claim_refused_says_why(moderator, claim):
    html = moderator.post(page(claim), {"action": "refuse"}).content.decode()
    assert "Dites pourquoi vous refusez." in html
    said = {"action": "refuse", "reason": "Inconnue au conseil.", "seen": claims.digest(claim)}
    moderator.post(page(claim), said)
    claim.refresh_from_db()
    assert (claim.state, claim.reason) == ("refused", "Inconnue au conseil.")


@pytest.mark.parametrize("act", ["accept", "refuse"])
def test_a_claim_sent_again_meanwhile_is_read_again(act, moderator, claim):
    read = moderator.get(page(claim))
    seen = re.search(r'name="seen" value="(\w+)"', read.content.decode())[1]
    said = {"action": act, "called": "on", "reason": "Non.", "seen": seen}
    Claim.objects.filter(pk=claim.pk).update(grounds="Tout autre chose.")
    for decision in (said, said | {"seen": ""}):
        response = moderator.post(page(claim), decision)
        html = response.content.decode()
        assert response.status_code == 409
        assert "La demande a changé" in html
        assert "Tout autre chose." in html
    claim.refresh_from_db()
    assert claim.state == "waiting"
    again = re.search(r'name="seen" value="(\w+)"', html)[1]
    moderator.post(page(claim), said | {"seen": again})
    claim.refresh_from_db()
    assert claim.state in {"accepted", "refused"}


def test_nobody_decides_their_own_claim(moderator, claim):
    Claim.objects.filter(pk=claim.pk).update(user=moderator.user)
    assert 'name="action"' not in moderator.get(page(claim)).content.decode()
    for act in ("accept", "refuse"):
        said = {"action": act, "called": "on", "reason": "Oui.", "seen": claims.digest(claim)}
        response = moderator.post(page(claim), said)
        assert response.status_code == 403
        assert "C’est votre propre demande" in response.content.decode()
    claim.refresh_from_db()
    assert claim.state == "waiting"


def test_nobody_decides_for_their_own_enterprise(moderator, alice, waiting, enterprise):
    representing(moderator, enterprise, "editor")
    applied = RevisionFactory(enterprise=enterprise, state="applied", submitted_by=alice.user)
    seen = {f"vu-{name}": said for name, said in moderation.seen(waiting).items()}
    for row in (waiting, applied):
        for response in (
            moderator.get(page(row)),
            moderator.post(page(row), seen | {"choix-name": "accepter"}),
        ):
            html = response.content.decode()
            assert "une autre personne en décide" in html
            assert 'type="radio"' not in html
        assert response.status_code == 403
        row.refresh_from_db()
    assert (waiting.state, applied.state) == ("waiting", "applied")
    enterprise.refresh_from_db()
    assert enterprise.name == "Les Ateliers d’Alice"
    assert moderation.accept_all(revisions=[applied], by=moderator.user) == (0, [applied])


def test_an_unknown_act_is_refused(moderator, claim):
    assert moderator.post(page(claim), {"action": "delete"}).status_code == 400


def test_a_suggestion_becomes_a_draft_and_its_sender_is_thanked(superuser, reference):
    suggestion = SuggestionFactory(name="La Brouette", sender_email="merci@exemple.test")
    html = superuser.post(page(suggestion), {"action": "list"}).content.decode()
    assert "Choisissez la forme juridique." in html
    superuser.post(page(suggestion), {"action": "list", "legal_form": "npo"})
    draft = Enterprise.objects.get(name="La Brouette")
    assert draft.state == "draft"
    suggestion.refresh_from_db()
    assert suggestion.state == "handled"
    mail = Mail.objects.get(kind="report_handled")
    assert mail.recipient == "merci@exemple.test"
    superuser.post(page(suggestion), {"action": "list", "legal_form": "npo"})
    assert Enterprise.objects.filter(name="La Brouette").count() == 1


def test_a_report_handled_twice_is_told_and_thanks_once(moderator, enterprise):
    report = ErrorReportFactory(enterprise=enterprise, sender_email="merci@exemple.test")
    moderator.post(page(report), {"action": "handle"})
    response = moderator.post(page(report), {"action": "refuse", "reason": "x"}, follow=True)
    assert "rien n’a été changé" in response.content.decode()
    assert Mail.objects.filter(kind="report_handled").count() == 1


# --- History


def test_the_history_is_read_by_owners_and_staff_and_nobody_else(
    alice, colleague, bob, moderator, enterprise
):
    enterprise.mission = "Réparer."
    enterprise.save()
    own = reverse("directory:history", args=[enterprise.slug])
    for client in (alice, colleague):
        assert "Réparer." in client.get(own).content.decode()
    assert bob.get(own).status_code == 404
    staff = reverse("directory:desk_history", args=[enterprise.slug])
    assert "Réparer." in moderator.get(staff).content.decode()
    assert alice.get(staff).status_code == 404


def test_owners_do_not_read_what_staff_write_for_themselves(alice, moderator, enterprise):
    RecognitionFactory(enterprise=enterprise, evidence="Pièce confidentielle canari")
    own = alice.get(reverse("directory:history", args=[enterprise.slug])).content.decode()
    assert "canari" not in own
    staff = moderator.get(reverse("directory:desk_history", args=[enterprise.slug]))
    assert "canari" in staff.content.decode()
