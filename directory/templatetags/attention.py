from django import template

from directory.attention import attention as lines_of

register = template.Library()


@register.simple_tag(takes_context=True)
def attention(context):
    return list(lines_of(context["request"].user))
