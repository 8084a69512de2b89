"""The sentences behind the codes of validation errors, in English and French."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from string import Formatter
from typing import Any

_SENTENCES: dict[str, tuple[str, str]] = {
    "required": ("This field is required.", "Ce champ est obligatoire."),
    "null": ("This field may not be null.", "Ce champ ne peut pas être nul."),
    "unknown_field": ("This field does not exist.", "Ce champ n'existe pas."),
    "invalid": (
        "This value cannot be used here; see the API document.",
        "Cette valeur ne convient pas ici ; voyez le document de l'API.",
    ),
    "invalid_type": ("This value has the wrong type.", "Cette valeur n'est pas du bon type."),
    "invalid_text": (
        "This text holds characters that cannot be stored.",
        "Ce texte contient des caractères non admis.",
    ),
    "control_character": (
        "This holds control characters, or line breaks where one line is expected; remove them.",
        "Ce texte contient des caractères de contrôle, ou des sauts de ligne là où une ligne est attendue ; retirez-les.",
    ),
    "invalid_version": ("A version or * is expected.", "Une version ou * est attendue."),
    "ambiguous": ("This means more than one thing.", "Ceci désigne plusieurs éléments."),
    "immutable": ("This never changes.", "Ceci ne change jamais."),
    "invalid_uuid": ("A UUID is expected.", "Un UUID est attendu."),
    "invalid_decimal": (
        "A decimal number written as a string is expected.",
        "Un nombre décimal écrit sous forme de chaîne est attendu.",
    ),
    "too_many_digits": ("This number has too many digits.", "Ce nombre comporte trop de chiffres."),
    "invalid_date": ("A date YYYY-MM-DD is expected.", "Une date AAAA-MM-JJ est attendue."),
    "invalid_time_zone": (
        "A time zone of the IANA database is expected, such as Europe/Paris.",
        "Un fuseau horaire de la base IANA est attendu, par exemple Europe/Paris.",
    ),
    "invalid_instant": ("An RFC 3339 instant is expected.", "Un instant RFC 3339 est attendu."),
    "invalid_choice": ("This is not one of the allowed values.", "Cette valeur n'est pas admise."),
    "too_long": ("This is too long.", "C'est trop long."),
    "too_short": ("This is too short.", "C'est trop court."),
    "out_of_range": ("This value is out of range.", "Cette valeur est hors limites."),
    "not_positive": ("This must be greater than zero.", "La valeur doit être supérieure à zéro."),
    "negative": ("This must not be negative.", "La valeur ne peut pas être négative."),
    "unknown_column": ("There is no column of this name.", "Aucune colonne ne porte ce nom."),
    "unknown_event_type": (
        "This matches no type of event; GET /v1/event-types lists them.",
        "Ceci ne correspond à aucun type d'événement ; GET /v1/event-types les énumère.",
    ),
    "unknown_event": (
        "No event has this id; send it as it came in X-Event-Id.",
        "Aucun événement ne porte cet identifiant ; envoyez-le tel que reçu dans X-Event-Id.",
    ),
    "not_found": (
        "What this refers to does not exist; check the id or code.",
        "L'élément désigné n'existe pas ; vérifiez l'identifiant ou le code.",
    ),
    "other_kind": (
        "What this refers to is of another kind than is needed here.",
        "L'élément désigné n'est pas de la nature requise ici.",
    ),
    "before_start": ("This lies before the beginning.", "Cette date précède le début."),
    "after_due": ("This lies after the time when it is due.", "Ce moment est postérieur à l'échéance."),
    "not_sellable": ("This product is not sold.", "Ce produit n'est pas en vente."),
    "duplicate": ("This occurs more than once.", "Cette valeur figure plus d'une fois."),
    "possible_duplicate": (
        "Another contact shares this value; the row was taken nevertheless.",
        "Un autre contact porte cette valeur ; la ligne a néanmoins été prise en compte.",
    ),
    "too_many_cells": (
        "This row has more cells than the header.",
        "Cette ligne compte plus de cellules que l'en-tête.",
    ),
    "too_few_cells": (
        "This row has fewer cells than the header.",
        "Cette ligne compte moins de cellules que l'en-tête.",
    ),
    "ambiguous_number": (
        "This could be two numbers: say which sign decimals have (decimal_sign).",
        "Ce nombre peut se lire de deux façons : indiquez le séparateur décimal (decimal_sign).",
    ),
    "error_value": ("The cell holds an error.", "La cellule contient une erreur."),
    "formula_without_value": (
        "The file holds a formula here but not its value; save it with a spreadsheet program.",
        "Le fichier contient ici une formule sans sa valeur ; enregistrez-le avec un tableur.",
    ),
    "wrong_encoding": (
        "This cell is not in UTF-8 as the rest of the file.",
        "Cette cellule n'est pas en UTF-8 comme le reste du fichier.",
    ),
    "number_in_code": (
        "The cell holds a number, so that leading zeros may be lost; format it as text.",
        "La cellule contient un nombre : des zéros initiaux ont pu être perdus. Mettez-la au format texte.",
    ),
    "number_rounded": (
        "The spreadsheet has rounded this number; format the cell as text.",
        "Le tableur a arrondi ce nombre ; mettez la cellule au format texte.",
    ),
    "date_in_text": (
        "The spreadsheet has made a date of this; format the cell as text.",
        "Le tableur en a fait une date ; mettez la cellule au format texte.",
    ),
    "boolean_in_text": (
        "The cell holds TRUE or FALSE where a text is expected; format it as text.",
        "La cellule contient VRAI ou FAUX là où un texte est attendu ; mettez-la au format texte.",
    ),
    "percentage": ("A percentage is not expected here.", "Un pourcentage n'est pas attendu ici."),
    "zeros_restored": (
        "The spreadsheet had dropped leading zeros; they were put back.",
        "Le tableur avait supprimé des zéros initiaux ; ils ont été rétablis.",
    ),
    "changed_since": ("It was changed since, so it stays.", "L'élément a été modifié depuis ; il reste tel quel."),
    "already_gone": ("It does not exist any more.", "L'élément n'existe plus."),
    "invalid_siren": ("This is not a valid SIREN.", "Ce SIREN n'est pas valide."),
    "invalid_siret": ("This is not a valid SIRET.", "Ce SIRET n'est pas valide."),
    "invalid_vat_number": ("This is not a valid VAT number.", "Ce numéro de TVA n'est pas valide."),
    "invalid_email": ("This is not a valid e-mail address.", "Cette adresse électronique n'est pas valide."),
    "invalid_phone": ("This is not a valid phone number.", "Ce numéro de téléphone n'est pas valide."),
    "email_and_password_or_refresh_token": (
        "Send either email and password, or refresh_token.",
        "Envoyez soit email et password, soit refresh_token.",
    ),
    "not_for_this_kind": (
        "This does not apply to this kind of contact.",
        "Ceci ne s'applique pas à ce type de contact.",
    ),
    "stage_backwards": (
        "The lifecycle stage only moves forward; send null first to reset it.",
        "L'étape du cycle de vie ne fait qu'avancer ; envoyez d'abord null pour la réinitialiser.",
    ),
    "siret_not_of_siren": ("A SIRET begins with the SIREN.", "Un SIRET commence par le SIREN."),
    "price_override_forbidden": (
        "You may not set another price than the list price.",
        "Vous ne pouvez pas fixer un autre prix que le prix catalogue.",
    ),
    "price_required": ("No list price exists; give a unit price.", "Aucun prix catalogue ; indiquez un prix unitaire."),
    "invalid_unit": ("This product is sold in another unit.", "Ce produit se vend dans une autre unité."),
    "customer_not_active": (
        "This contact is no longer active; choose another one.",
        "Ce contact n'est plus actif ; choisissez-en un autre.",
    ),
    "not_for_this_type": ("This does not apply to this type.", "Ceci ne s'applique pas à ce type."),
    "cycle": (
        "This would put the record below itself; choose another one.",
        "L'élément se trouverait au-dessous de lui-même ; choisissez-en un autre.",
    ),
    "invalid_language": (
        "Send a language as two small letters, such as fr, with a country where it matters: fr-CA.",
        "Indiquez une langue par deux minuscules, comme fr, avec un pays si nécessaire : fr-CA.",
    ),
    "invalid_naf_code": (
        "Send a NAF code as four digits and a letter, such as 4759B.",
        "Indiquez un code NAF par quatre chiffres et une lettre, comme 4759B.",
    ),
    "invalid_name": (
        "A name begins with a letter and has small letters, digits and underscores.",
        "Un nom commence par une lettre et comporte minuscules, chiffres et tirets bas.",
    ),
    "invalid_country": ("A two-letter country code is expected.", "Un code pays à deux lettres est attendu."),
    "zero": ("This must not be zero.", "La valeur ne peut pas être zéro."),
    "quantity_and_count": (
        "Say either by how much stock changes or what was counted, not both.",
        "Indiquez soit la variation de stock, soit la quantité comptée, pas les deux.",
    ),
    "not_stocked": ("This is not kept in stock.", "Cet article n'est pas géré en stock."),
    "in_the_future": ("This date is in the future.", "Cette date est dans le futur."),
    "unbalanced": ("Debits and credits are not equal.", "Les débits et les crédits ne sont pas égaux."),
    "not_one_sided": (
        "Each line has either a debit or a credit, greater than zero.",
        "Chaque ligne porte soit un débit, soit un crédit, supérieur à zéro.",
    ),
    "account_blocked": ("This account is blocked.", "Ce compte est bloqué."),
    "not_in_chart": (
        "The code does not begin with an account of the chart of accounts.",
        "Le code ne commence pas par un compte du plan comptable.",
    ),
    "before_original": (
        "This date is before the day of what is reversed.",
        "Cette date précède celle de la pièce extournée.",
    ),
    "later_than_own": (
        "A key that is made with another key ends no later than that one.",
        "Une clé créée avec une autre clé ne dure pas plus longtemps que celle-ci.",
    ),
    "in_the_past": ("This time has passed.", "Cette date est passée."),
    "circular": ("This would close a circle.", "Cela formerait un cercle."),
    "too_common": (
        "This password is among the most common ones.",
        "Ce mot de passe fait partie des plus courants.",
    ),
    "too_easy": ("This password is too easy to guess.", "Ce mot de passe est trop facile à deviner."),
    "wrong_password": ("This is not your present password.", "Ce n'est pas votre mot de passe actuel."),
    "invalid_url": ("This is not a usable URL.", "Cette URL n'est pas utilisable."),
    "url_not_https": ("The URL must begin with https://.", "L'URL doit commencer par https://."),
    "url_with_credentials": (
        "The URL may not hold a user name or password.",
        "L'URL ne peut pas contenir de nom d'utilisateur ni de mot de passe.",
    ),
    "port_not_allowed": ("This port is not allowed.", "Ce port n'est pas autorisé."),
    "host_not_found": ("This host name cannot be found.", "Ce nom d'hôte est introuvable."),
    "address_not_public": (
        "This leads to an address that is not on the public internet.",
        "Ceci mène à une adresse hors de l'internet public.",
    ),
    "unknown_filter": ("This filter does not exist.", "Ce filtre n'existe pas."),
    "unknown_expand": ("This cannot be expanded.", "Ceci ne peut pas être développé."),
    "unknown_parameter": ("This parameter does not exist.", "Ce paramètre n'existe pas."),
    "invalid_cursor": ("The cursor does not belong to this list.", "Le curseur n'appartient pas à cette liste."),
}


_DETAILED: dict[str, tuple[str, str]] = {
    "unknown_field": (
        "This field does not exist. There are: {allowed}.",
        "Ce champ n'existe pas. Champs admis : {allowed}.",
    ),
    "unknown_filter": (
        "This does not exist here. There are: {allowed}.",
        "Ceci n'existe pas ici. Valeurs admises : {allowed}.",
    ),
    "unknown_parameter": (
        "This parameter does not exist. There are: {allowed}.",
        "Ce paramètre n'existe pas. Paramètres admis : {allowed}.",
    ),
    "unknown_expand": (
        "This cannot be expanded; what can: {allowed}.",
        "Ceci ne peut pas être développé ; peuvent l'être : {allowed}.",
    ),
    "invalid_choice": (
        "This is not one of the allowed values: {allowed}.",
        "Cette valeur n'est pas admise ; valeurs admises : {allowed}.",
    ),
    "invalid_type": (
        "This value has the wrong type; send a JSON {expected}.",
        "Cette valeur n'est pas du bon type ; envoyez un type JSON {expected}.",
    ),
    "too_long": ("This is too long; send at most {most}.", "C'est trop long ; envoyez au plus {most}."),
    "too_short": ("This is too short; send at least {least}.", "C'est trop court ; envoyez au moins {least}."),
    "too_many_digits": (
        "This number has too many digits; send at most {decimals} decimals, and less than 1,000,000,000,000.",
        "Ce nombre comporte trop de chiffres ; envoyez au plus {decimals} décimales et moins de 1 000 000 000 000.",
    ),
    "out_of_range": (
        "This value is out of range; send one from {least} to {most}.",
        "Cette valeur est hors limites ; envoyez une valeur de {least} à {most}.",
    ),
}
"""Said instead where it is known what would have been right."""


_NAMES: dict[str, tuple[str, str]] = {
    "account": ("account", "compte"),
    "activity": ("activity", "activité"),
    "affiliation": ("affiliation", "rattachement"),
    "api_key": ("API key", "clé d'API"),
    "company": ("company", "société"),
    "contact": ("contact", "contact"),
    "credit_limit": ("credit limit", "plafond d'encours"),
    "credit_note": ("credit note", "avoir"),
    "custom_field": ("custom field", "champ personnalisé"),
    "customer": ("customer", "client"),
    "delivery": ("delivery", "livraison"),
    "event_subscription": ("event subscription", "abonnement aux événements"),
    "fiscal_year": ("fiscal year", "exercice"),
    "invoice": ("invoice", "facture"),
    "job": ("job", "tâche"),
    "journal": ("journal", "journal"),
    "journal_entry": ("journal entry", "écriture"),
    "location": ("location", "emplacement"),
    "order": ("order", "commande"),
    "parked_message": ("parked message", "message en attente"),
    "payment": ("payment", "paiement"),
    "period": ("period", "période"),
    "product": ("product", "produit"),
    "quote": ("quote", "devis"),
    "result": ("result", "résultat"),
    "role": ("role", "rôle"),
    "stock_adjustment": ("stock adjustment", "ajustement de stock"),
    "stock_level": ("stock level", "niveau de stock"),
    "tax_code": ("tax code", "code de TVA"),
    "tag": ("tag", "étiquette"),
    "team": ("team", "équipe"),
    "user": ("user", "utilisateur"),
    "warehouse": ("warehouse", "entrepôt"),
    "webhook": ("webhook", "webhook"),
    "webhook_delivery": ("webhook delivery", "envoi de webhook"),
    "supplier": ("supplier", "fournisseur"),
    "parent": ("parent of others", "parent d'autres contacts"),
    "not_an_import": ("it is no import", "ce n'est pas une importation"),
    "not_ended": ("it has not ended", "elle n'est pas terminée"),
    "too_old": ("it is older than a week", "elle date de plus d'une semaine"),
    "already_undone": ("it has been undone already", "elle a déjà été annulée"),
    "syntax_error": ("a syntax error", "erreur de syntaxe"),
    "not_utf8": ("it is not UTF-8", "le texte n'est pas en UTF-8"),
    "too_deep": ("it is nested too deeply", "l'imbrication est trop profonde"),
    "too_many_members": ("an object has too many members", "un objet a trop de membres"),
    "duplicate_member": ("an object names a member twice", "un objet nomme deux fois un membre"),
    "not_a_number": ("NaN and Infinity are no numbers", "NaN et Infinity ne sont pas des nombres"),
    "number_too_long": ("a number is too long or too large", "un nombre est trop long ou trop grand"),
    "unstorable_text": ("it holds characters that cannot be stored", "il contient des caractères non admis"),
}
"""What the details `what` and `reason` of refusals are called in sentences."""


def named(name: str, language: str) -> str:
    """The name of a kind of thing, or of a reason, in "fr" or else in English."""
    return _NAMES[name][language == "fr"] if name in _NAMES else name


def spoken(value: Any) -> str:
    """A detail as a sentence shows it: nothing of it is Python."""
    match value:
        case list() | tuple() | set() | frozenset():
            return ", ".join(map(spoken, value)) or "–"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case None:
            return "–"
    return str(value)


def sentences() -> dict[str, tuple[str, str]]:
    """Every code with its sentence in English and French."""
    return dict(_SENTENCES)


def sentence(code: str, language: str, details: Mapping[str, Any] | None = None) -> str:
    """The sentence for a code in "fr" or else in English, with what would have been right where the details say so.

    A code without a sentence is shown in words.
    """
    texts = _SENTENCES.get(code, (code.replace("_", " ").capitalize() + ".",) * 2)
    if details and code in _DETAILED and all(name in details for name in _names_in(_DETAILED[code][0])):
        texts = _DETAILED[code]
    known = {name: spoken(value) for name, value in (details or {}).items()}
    return texts[language == "fr"].format_map(known) if texts is _DETAILED.get(code) else texts[language == "fr"]


@cache
def _names_in(text: str) -> tuple[str, ...]:
    return tuple(name for _, name, _, _ in Formatter().parse(text) if name)
