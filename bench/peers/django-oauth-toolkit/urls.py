"""The provider's own pages and endpoints, a page to sign in, and an API."""

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from oauth2_provider.decorators import protected_resource


@protected_resource(scopes=["accounts"])
def accounts(_request: HttpRequest) -> JsonResponse:
    """Answer once the token was found good."""
    return JsonResponse({"accounts": []})


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("sign-in/", LoginView.as_view(template_name="sign_in.html")),
    path("v1/accounts", accounts),
]
