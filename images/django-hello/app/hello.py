from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path


def index(request):
    return HttpResponse("Hello, World!")


urlpatterns = [path("", index)]

# By which names it is reached is the business of whoever publishes the container.
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__)
application = get_wsgi_application()
