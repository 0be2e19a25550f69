from django import template

from directory import attention as work

register = template.Library()


@register.simple_tag(takes_context=True)
def attention(context):
    return list(work.attention(context["request"].user))


@register.simple_tag(takes_context=True)
def tools(context):
    return list(work.tools(context["request"].user))
