from django.urls import path

from analytics.views.review import pages

urlpatterns = [
    path("", pages.overview, name="review"),
    path("pergunta/", pages.question, name="review-question"),
    path("sortear/", pages.draw, name="review-draw"),
    path("congelar/", pages.freeze, name="review-freeze"),
    path("treinar/", pages.train, name="review-train"),
]
