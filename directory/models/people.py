from django.contrib.auth.models import (
    AbstractBaseUser,
    BaseUserManager,
    PermissionsMixin,
)
from django.db import models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

# Of each request of somebody signed in: composed of expressions, they cost five milliseconds.
REPRESENTS = """
EXISTS (SELECT FROM directory_representative r WHERE r.user_id = directory_user.id)
"""
MAY = """
directory_user.is_staff AND (directory_user.is_superuser OR EXISTS (
    SELECT FROM auth_permission p WHERE p.codename = ANY (%s) AND (
        EXISTS (
            SELECT FROM directory_user_user_permissions u
            WHERE u.permission_id = p.id AND u.user_id = directory_user.id
        ) OR EXISTS (
            SELECT FROM auth_group_permissions g JOIN directory_user_groups m USING (group_id)
            WHERE g.permission_id = p.id AND m.user_id = directory_user.id
        )
    )
))
"""

#: The rights of those to whom the desk has something to show: one a kind of item is enough.
DECIDING = ["moderate_revision", "change_claim", "change_suggestion", "change_errorreport"]


class UserQuerySet(models.QuerySet):
    def with_doors(self):
        """With what they may open, for the header of each page: in the statement that finds them,
        which every request of somebody signed in makes."""
        return self.annotate(
            represents=RawSQL(REPRESENTS, [], models.BooleanField()),
            moderates=RawSQL(MAY, [DECIDING], models.BooleanField()),
            calls=RawSQL(MAY, [["add_phonecall"]], models.BooleanField()),
        )


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):
    def create_user(self, email, **fields):
        """No password exists: what Django keeps in its place opens nothing (set_unusable…)."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_unusable_password()
        user.full_clean()
        user.save(using=self._db)
        return user

    def create_superuser(self, email, **fields):
        return self.create_user(email, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email):
        return self.get(email=email.lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in; the e-mail address is the identifier."""

    email = models.EmailField(_("courriel"), max_length=254, unique=True)
    name = models.CharField(_("nom"), max_length=120, blank=True)
    is_staff = models.BooleanField(
        _("équipe du Pôle"), default=False, help_text=_("Donne accès à l’administration.")
    )
    is_active = models.BooleanField(
        _("compte actif"), default=True, help_text=_("Décochez plutôt que de supprimer le compte.")
    )
    joined_at = models.DateTimeField(_("inscription"), auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []

    objects = UserManager()

    class Meta:
        verbose_name = _("personne")
        verbose_name_plural = _("personnes")
        ordering = ["email", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")),
                name="user_email_lowercase",
                violation_error_message=_("Écrivez le courriel en minuscules."),
            ),
        ]

    def __str__(self):
        return self.name or self.email

    def clean(self):
        super().clean()
        self.email = self.email.lower()
