from django.contrib.auth.models import (
    AbstractBaseUser,
    BaseUserManager,
    PermissionsMixin,
)
from django.db import models
from django.db.models.functions import Lower
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

# Of each request of somebody signed in: to compose it anew would take longer than to answer it.
PRESENT = """
SELECT u.*, EXISTS (
    SELECT FROM directory_representative r WHERE r.user_id = u.id
) AS represents
FROM directory_user u WHERE u.id = %s AND u.is_active
"""


class UserManager(BaseUserManager):
    def present(self, pk):
        """The person of this key, None unless their account is open, with whether they represent an
        enterprise, which the header of each page says."""
        return next(iter(self.raw(PRESENT, [pk])), None)

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

    @cached_property
    def represents(self):
        """Whether they keep the listing of an enterprise."""
        return self.representations.exists()

    def clean(self):
        super().clean()
        self.email = self.email.lower()
