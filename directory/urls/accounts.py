"""/compte/: every page that opens, one by one; nothing of allauth's that is not designed here, and
nothing that takes a password. Names are those that allauth looks for."""

from django.urls import path

from directory.views import entrance, factors, identity, my_account

urlpatterns = [
    path("", my_account.home, name="account_home"),
    path("connexion/", entrance.sign_in, name="account_login"),
    path("inscription/", entrance.sign_up, name="account_signup"),
    path("code/", entrance.code, name="account_code"),
    path("second-facteur/", factors.Authenticate.as_view(), name="mfa_authenticate"),
    path("cle/", factors.PasskeySignIn.as_view(), name="mfa_login_webauthn"),
    path("inactif/", entrance.inactive, name="account_inactive"),
    path("deconnexion/", entrance.sign_out, name="account_logout"),
    # /compte/identite/
    path("identite/", identity.reauthenticate, name="account_reauthenticate"),
    path("identite/code/", factors.FactorAgain.as_view(), name="mfa_reauthenticate"),
    path("identite/cle/", factors.PasskeyAgain.as_view(), name="mfa_reauthenticate_webauthn"),
    # /compte/securite/
    path("securite/", factors.Factors.as_view(), name="mfa_index"),
    path("securite/application/", factors.ActivateApplication.as_view(), name="mfa_activate_totp"),
    path(
        "securite/application/retirer/",
        factors.RemoveApplication.as_view(),
        name="mfa_deactivate_totp",
    ),
    path("securite/cle/", factors.AddPasskey.as_view(), name="mfa_add_webauthn"),
    path(
        "securite/cle/<int:pk>/retirer/",
        factors.RemovePasskey.as_view(),
        name="mfa_remove_webauthn",
    ),
    path("securite/codes/", factors.RecoveryCodes.as_view(), name="mfa_view_recovery_codes"),
    path(
        "securite/codes/nouveaux/",
        factors.NewRecoveryCodes.as_view(),
        name="mfa_generate_recovery_codes",
    ),
    path("connexions/", my_account.sessions, name="usersessions_list"),
    path("courriel/", my_account.email, name="account_email"),
    path("mes-donnees.json", my_account.data, name="account_data"),
    path("supprimer/", my_account.delete, name="account_delete"),
    path("adieu/", my_account.deleted, name="account_deleted"),
]
