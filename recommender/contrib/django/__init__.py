"""Related articles and near-duplicates in a Django site, with Wagtail or without it.

Put `"recommender.contrib.django"` into `INSTALLED_APPS` and write the setting `RECOMMENDER`
(`options`). The app follows what is published (`signals`), gives the template tag
`{% related_articles %}`, warns editors of near-duplicates (`panels` for Wagtail, `admin` for
Django's admin) and has the command `recommender_sync`.
"""
