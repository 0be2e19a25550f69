from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager):
    def create_user(self, email, password=None, **fields):
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)  # None makes it unusable
        user.full_clean()
        user.save(using=self._db)
        return user

    def create_superuser(self, email, password=None, **fields):
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

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
