from django.urls import path

from directory.views import demo

urlpatterns = [
    path("", demo.people, name="demo"),
    path("courriels/", demo.mailbox, name="demo_mailbox"),
]
