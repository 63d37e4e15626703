"""How people ask a bot to stop, or to delete: the patterns by which a clause is read."""

import re
import unicodedata

STOP, DELETE = "stop", "delete"

# What clauses are made of
_ADJECTIVES = (
    r"(?:(?:fucking|damn|damned|stupid|dumb|bloody|annoying|silly|bad|creepy|useless|spam|"
    r"spammy|freaking"
    r"|goddamn|idiotic|shitty|dear|little|nasty|evil|ai|automated|unwanted|ugly|awful|pointless|"
    r"own|last|bot|gpt|chatgpt|robot|machine) )*"
)
_BOT = (
    rf"(?:{_ADJECTIVES}(?:bots?|robot|ai|clanker|machine|spammer|creep|computer|chatbot|chatgpt|"
    r"gpt|thing))"
)
_WORDS = (
    r"(?:repl(?:y|ies)|responses?|answers?|messages?|comments?|notifications?|contact|texts?|spam)"
)
LEAD = re.compile(
    r"^(?:please|kindly|u+[hm]+|h+m+|e+w+|meh|bruh|a+r+g+h+|gross|yuck|sigh|err|geez|nah|"
    r"alright|lmk|for (?:god|gods|christs|fucks|petes|heavens) sakes?|for the last time|able to|"
    r"are you able to|hey|hi|hello|ok|okay|yo|dude|bro|man|mate|no|nope|ugh|omg|wtf|ffs|jesus|"
    r"god|just|also|now|so"
    r"|seriously|sorry|sir|thanks|thank you|thank you but|can you|could you|would you|will you|"
    r"can|could|would|will|cant you"
    r"|you (?:should|must|need to|have to|better|gotta|can)|you|i (?:want|need|would like|wish|"
    r"ask|beg|demand|request"
    r"|command|order)(?: (?:you|for you))?(?: to)?|i (?:am )?(?:asking|begging|telling)(?: you)?"
    r"(?: nicely)?(?: to)?"
    r"|i (?:have )?(?:said|told you|asked you)(?: to)?|i would prefer(?: it)?(?: you)?(?: to)?|"
    r"that you|if you (?:could|would|can)|do me a favou?r|for the love of god"
    r"|again|once again|immediately|would you mind|mind|maybe|really|actually|well|yes|yeah|oi|"
    r"listen|look|attention"
    r"|request|command|the|lets|let us|it is time to|time to|go|get|fuck(?:ing)?|freaking|"
    r"goddamn|for once|pretty"
    r"|go ahead|a|want to|would like to|like to|i am going to|i will|i would|to|bitte|por favor|"
    r"s ?il te plait"
    rf"|ya|(?:you )?{_BOT})(?: |$)"
)
TRAIL = re.compile(
    r"(?:^| )(?:please|tyvm|tysm|k|k thanks|thanks(?: in advance)?|thank you(?: very much)?|ty|"
    r"now|right now|immediately|asap|already|forever"
    r"|for good|at once|any ?more|again|ever again|ever|ok|okay|man|dude|bro|ffs|today|"
    r"from now on|in (?:the )?future"
    r"|going forward|here|this instant|i beg you|i am (?:begging|asking)(?: you)?(?: nicely)?|"
    r"cheers|mate|kthx|kthxbye|sir|"
    r"would you|will you|for me|if possible"
    r"|if you (?:can|could|would|dont mind)|at all|completely|right away|permanently|entirely|"
    r"altogether|bye|dammit|damn it|for fucks sake|for gods sake"
    r"|for the love of god|jesus|fucking|period|full stop|thats all|friend|buddy|pal|with this|"
    r"with that|please and thank you"
    r"|bitte|por favor|per favore|s ?il te plait|s ?il vous plait|svp|maintenant|ahora|jetzt|"
    r"sofort|ya|alstublieft|alsjeblieft"
    rf"|this second|you {_BOT}|(?:you )?{_BOT})$"
)
_VERB = (
    r"(?:reply|respond|answer|comment|message|contact|talk|write|bother|spam|harass|tag|mention|"
    r"ping|bug|annoy|text"
    r"|interact|engage|speak|pester|notify|post|send|email|chat|disturb|come back|reach out|"
    r"follow|stalk)"
)
_GERUND = (
    r"(?:replying|responding|answering|commenting|messaging|contacting|talking|writing|"
    r"bothering|spamming|harassing"
    r"|tagging|mentioning|pinging|bugging|annoying|texting|interacting|engaging|speaking|"
    r"pestering|notifying|posting"
    r"|sending|emailing|chatting|disturbing|trolling|flooding|filling|clogging|reaching out"
    r"|following|stalking|auto ?replying)"
)
_ME = (
    r"(?: ?(?:back )?(?:to|at|on|with|under|in|by|for|into)?"
    r" ?(?:me|us|my(?: \w+)? ?(?:posts?|comments?|threads?|stuff|messages?|inbox|questions?|"
    rf"account|{_WORDS})"
    r"|anything i \w+|everything i \w+|what i \w+|whatever i \w+))"
    rf"(?: (?:with|any|your|these|those|this|more|using)?(?: (?:your|more|any))? ?{_ADJECTIVES}"
    rf"(?:{_WORDS}|stuff|crap|shit|nonsense|bots?|ai|things?|garbage|bullshit))?"
)
_LOOSE = (
    r"(?:(?: to| on| under| in)? (?:this|here|that|these|it|this thread|this comment|this post|"
    r"any ?thing|people|everyone|things))?"
)
_NOT = (
    r"(?:dont|never|no|not|you (?:may|must|should|can) not|you shouldnt|dont you dare|dont you|"
    r"dont ever|never ever)"
)
_FROM = (
    rf"(?:(?: from| by| of| with| to)? (?:you|your|yours|this|it|{_BOT}|a {_BOT}|the {_BOT}|"
    rf"this {_BOT}|your {_BOT}|me|any {_BOT}))"
)
_I_DONT_WANT = (
    r"i (?:really )?(?:dont|never|no longer)(?: really| ever)? (?:want|wish|need|care|consent|"
    r"agree|like)"
)
_MORE = rf"(?:any|more|any more|another|anything|further|your|these|those|such|other|{_BOT})"
_OBJECT = (
    rf"(?:(?:(?:your|this|that|the|ur|you|it is|(?:the|this|that|your) {_ADJECTIVES}bots) )?"
    rf"{_ADJECTIVES}(?:above|reply|comment|message|"
    r"response|answer|text|replies|comments"
    r"|messages|responses|answers|thing|shit|crap|garbage|spam|nonsense|bullshit|drivel)"
    r"(?: (?:above|of yours|you (?:made|wrote|left|posted)|to me|about me|from my \w+|from (?:here|"
    r"this thread)))?"
    r"|(?:what|whatever|everything|all) you (?:have )?(?:wrote|written|said|posted|left|put)"
    r"(?: (?:to|about|under|on|for) (?:me|my \w+))?|all (?:of )?your \w+|"
    r"yourself|yours"
    r"|all of (?:this|it|them))"
)
_IT = (
    r"(?:it|this|that|these|them|all|everything|(?:this|that|the|your|this whole|the whole) (?"
    r":post|thread|one))"
)
_DELETE = (
    r"(?:delete|nuke|trash|scrub|remove|erase|retract|scrap|wipe|undo|get rid of|take down|"
    r"take back)"
)
_GONE = r"(?:deleted|removed|gone|erased|taken down|retracted|withdrawn)"
_STOP = r"(?:stop|quit|cease|halt|desist)"

_CERTAIN_STOP = (
    rf"{_NOT} (?:\w+ )?{_VERB}{_ME}",
    rf"(?:{_STOP}|no more|no|enough|refrain from|avoid|done|lets stop|stop it with)(?: with)?(?"
    rf": the| all| your| this| ever)?(?: \w+)? ?{_GERUND}{_ME}",
    rf"{_STOP}(?: with)?(?: \w+)? {_GERUND}(?: your)? {_ADJECTIVES}(?:{_WORDS})(?: to)?(?: me)?",
    rf"{_STOP}(?: with)? (?:the|your|all|all the|these|those|this|sending|making|posting|"
    r"writing) (?:the |your |these |me )?"
    rf"{_ADJECTIVES}(?:{_WORDS}|bots?|bot stuff)(?: to me| on my \w+)?",
    rf"{_NOT} {_VERB}(?: to| on| under)? (?:this|it|my comment)? ?{_FROM}",
    r"i (?:dont|never|no longer|really dont|do nt|would rather not|rather not)(?: really|"
    r" ever)? (?:want|wish|need|care|consent|agree|like|care for|appreciate|accept)"
    r"(?: to| for)? (?:(?:any|more|any more|your|these|those|such|further|other|"
    rf"automated|{_BOT}) )*(?:(?:bot|ai|automated) )?{_WORDS}{_FROM}?",
    rf"{_I_DONT_WANT} to be (?:replied to|contacted|answered|messaged|bothered|spammed|"
    rf"part of this|followed|tagged|pinged|notified|harassed){_FROM}?(?: again)?",
    rf"{_I_DONT_WANT} to (?:get|receive|see|read|have|hear)(?: {_MORE})* (?:(?:bot|ai|automated)"
    rf" )?{_WORDS}{_FROM}?",
    rf"{_I_DONT_WANT} to (?:hear|talk|speak|interact|chat|deal|engage|converse|communicate|"
    r"argue|have to do)(?: (?:anything|more|further|any more))* (?:from|to|with) (?:you|"
    rf"your \w+|any of you|(?:(?:a|an|the|any|this|some|your) )?{_BOT})",
    r"i would (?:prefer|like|appreciate|love)(?: it)? if you (?:didnt|dont|wouldnt|would not|"
    rf"stopped|never|would stop) (?:{_VERB}|{_GERUND})(?:ed)?{_ME}",
    rf"i (?:dont|never|no longer|really dont) (?:want|need|like|wish)(?: for)? (?:you|{_BOT}|"
    rf"any {_BOT}|a {_BOT}|this {_BOT}|your {_BOT})(?: (?:to )?(?:{_VERB}|{_GERUND}|in|on|near|"
    rf"here)(?:{_ME}|{_LOOSE}))?",
    rf"no more {_ADJECTIVES}(?:{_WORDS}|bots?|bot {_WORDS}|of your {_WORDS}|of this bot){_FROM}?"
    r"(?: to me| for me)?",
    rf"no {_ADJECTIVES}{_WORDS} (?:from|by) (?:you|{_BOT})|no (?:bots?|ai|robots|chatbots?|"
    rf"llms?)(?: {_WORDS})?(?: on my \w+| for me| in my \w+)?",
    r"(?:leave|let) (?:me|us|my \w+)(?: the (?:fuck|hell|heck))?(?: \w+)? ?(?:alone|be|in peace|"
    r"out of (?:it|this))|let me be",
    r"(?:go|get|stay|keep) (?:the (?:fuck|hell) )?(?:away|lost|out|off)(?: (?:from|of|my) (?"
    rf":me|here|my \w+|\w+))?(?: you)? {_BOT}",
    r"(?:get|stay|keep|back)(?: the (?:fuck|hell))? (?:away|off|out)(?: from| of)? (?:me|my (?"
    r":comments?|posts?|threads?|inbox|face|replies|messages))",
    r"(?:un ?subscribe|unsubscrib\w*|unsuscribe|unsubcribe|unsubscibe)(?: me)?(?: from (?:this|"
    r"you|your \w+|the bot|this bot|bot \w+|all(?: of (?:this|these|it))?|these(?: \w+)?|"
    r"everything|bots?|a bot))?",
    r"(?:i )?(?:am )?(?:opt(?:ed|ing)?|count|counting|leave)(?: me)? ?out(?: me)?(?: (?:of|from)"
    r" (?:this|these|it|you|your|bot|the bot|all|everything|replies|messages|ai)(?: \w+){0,3})?",
    r"(?:(?:how|where) (?:do|can|to)(?: i| we| you)? |can i |may i |is there (?:a|any) (?:way|"
    r"chance) to |i am (?:trying|here) to )(?:opt(?: me)? ?out|unsubscribe|turn (?:you|this|it)"
    r" off|(?:make|get) (?:you|this|it)(?: bot)?(?: to)? (?:stop|leave me alone)|stop (?:you|"
    r"this|these|this bot|these \w+)|block (?:you|this bot))(?: (?:of|from) (?:this|these|you|"
    r"your|it|the bot)(?: \w+)?)?",
    r"(?:take|remove|strike|scratch|get|keep) me (?:off|from|out of)(?: of)? (?:your|the|this|"
    r"that|any) (?:\w+ ?){1,3}",
    r"remove (?:me|my (?:name|account|username))(?: from .{1,30})?|(?:put|add) me (?:on|to|in|"
    r"into) (?:(?:your|the|a) )?(?:\w+ ){0,3}(?:list|opt outs?|optouts?|blacklist|blocklist|"
    r"denylist)",
    r"(?:block|blacklist|blocklist|ignore|exclude|skip|mute|exempt)(?: about)? (?:me|"
    r"my (?:account|name|username|user|comments?|posts?))(?: from (?:this|that|your \w+|"
    r"this \w+|the \w+))?",
    r"i (?:would )?(?:want|like|wish|prefer|ask|need|demand)(?: to)? (?:to )?be (?:left alone|"
    r"left out(?: of this)?|removed(?: from \w+(?: \w+)?)?|excluded|unsubscribed|opted out|"
    r"blocked|taken off .*)|i (?:would )?(?:prefer|rather)(?: to)? not (?:to )?(?:be|get|"
    r"receive|hear|have|see|talk)(?: to)?(?: any| more| your| \w+ed)*(?: (?:bot|ai))?(?: (?"
    r":replies|messages|answers|responses|comments|contact))?(?: from| by| to)?(?: you| a bot|"
    r" bots| an ai| ai)?",
    r"(?:why (?:dont|cant|wont) you|make (?:it|this|that|this bot|the bot|your bot|this thing)|"
    r"get (?:it|this bot) to) stop(?: \w+ing)?(?: (?:to )?me)?|(?:if you .{1,40} )?i (?:will|"
    r"am going to|shall) (?:report|block|be blocking|be reporting) (?:you|this bot|this)(?"
    r": .{1,40})?|i am (?:reporting|blocking) (?:you|this bot|this)",
    r"enough (?:with|of) (?:the|your|these|this) (?:\w+ ?){1,2}|(?:unfollow|unfriend|sign|log)"
    r" me(?: out)?|leave (?:this|the|my) (?:thread|conversation|post)|(?:can|could|would|will)"
    r" you not",
    r"i (?:withdraw|revoke|dont give|do not give)(?: you)?(?: my)? (?:consent|permission)",
    rf"(?:you are|{_BOT} (?:are|is)) not (?:welcome|wanted) (?:here|on my \w+|in my \w+)|"
    r"nobody wants you",
    r"(?:turn|switch)(?: (?:yourself|it|this|the bot|this bot))? off(?: (?:yourself|the bot|"
    r"this bot|replies|for me))?|(?:disable|deactivate) (?:yourself|this bot|the bot|replies)(?"
    r": for me)?",
    rf"{_STOP} (?:the|this|that|being an?|you|your) {_BOT}",
    r"i (?:dont|never|will not|wont) (?:talk|speak|reply|answer|interact|chat|engage)(?: to|"
    r" with) (?:bots?|a bot|an ai|ai|machines|robots|you)",
    rf"i would (?:appreciate|prefer|like|love)(?: it)? if you (?:stopped|would stop) {_GERUND}",
    r"(?:please )?consider (?:this|me) (?:(?:my|an) )?(?:opt(?:ed|ing)? out|request to opt out)"
    r"|this is (?:me|my|a)(?: request to)? opt(?:ing)? out",
    rf"(?:i am )?not interested in (?:your \w+|{_GERUND} (?:to|with) (?:an? |any )?{_BOT})",
    r"i (?:have no interest in|refuse to|wont|will not|am not going to|am not|hate"
    rf"|dont want to be) (?:{_VERB}|{_GERUND})(?: to| with) (?:an? |any )?{_BOT}",
    rf"{_STOP} (?:sending|making|posting|writing|leaving|giving)(?: me)? (?:these|those|this|that)",
    rf"no more (?:from|of) (?:you|{_BOT})",
    rf"{_NOT} {_VERB}{_LOOSE} (?:if|when|unless) you (?:are|arent) (?:an? )?(?:{_BOT}|human)",
    rf"(?:to )?(?:any |all )?{_BOT} (?:need not|neednt|should not|shouldnt|must not|may not|"
    rf"dont need to|do not get to) {_VERB}{_LOOSE}",
    r"i (?:choose|elect|decided?|prefer) to (?:opt out|unsubscribe)",
    r"opt (?:out my|my) (?:account|username|name|user)(?: out)?",
    r"(?:ignore|block|exclude) this (?:account|user)",
    # Other languages
    r"laiss?ez? moi(?: tranquille| en paix)?|ne (?:me )?(?:repond\w*|ecri\w+|parle\w*|"
    r"contacte\w*)(?: moi)?(?: plus| pas)(?: a moi)?|(?:arrete\w*|cesse\w*) de (?:me )?(?"
    r":repondre|parler|ecrire|commenter|spammer)",
    r"de[hs]abonn\w+ moi|desinscri\w+(?: moi)?|desabonne\w*(?: moi)?",
    r"dej(?:a|e|en|ad)(?:me|nos)(?: en paz| tranquil[oa])?|no me (?:respondas|contestes|"
    r"escribas|hables|molestes)(?: mas| nunca)*|(?:deja|para|deje|pare) de (?:responder|"
    r"contestar|escribir|molestar|hablar)(?:me)?|no (?:quiero|respondas)(?: mas)?(?: tus|"
    r" respuestas| mas| a mi| de bots?| mensajes)*",
    r"lasst? mich (?:bitte )?in ruhe|(?:antworte|schreib\w*|antworten sie) (?:mir )?(?:bitte )?"
    r"(?:nicht|nie|nix)(?: mehr| wieder)?|(?:hor\w*|hoer\w*|stopp?)(?: bitte)? auf(?: mir|"
    r" mich)*(?: zu)? ?(?:antworten|schreiben|nerven|spammen|kommentieren)|(?:bitte )?nicht(?"
    r": mehr)? (?:antworten|schreiben|kommentieren|nerven)|keine (?:antworten|nachrichten)(?"
    r": mehr)?|abmelden|abbestellen|verschwinde|hau ab",
    r"lasciami (?:in pace|stare)|non (?:rispondermi|scrivermi|rispondere|mi rispondere|rispondi)"
    r"(?: piu| mai)?(?: a me)?|smett\w+ di (?:rispondermi|scrivermi|rispondere|commentare)|"
    r"cancellami",
    r"(?:me )?deix[ae](?: me)? em paz|nao (?:me )?(?:responda|responde|respondas|escreva|"
    r"incomode)(?: mais)?|(?:pare|para) de (?:me )?(?:responder|escrever|incomodar)(?: me)?",
    r"laat me (?:met rust|alleen)|reageer niet(?: meer)?(?: op mij)?|stop met (?:reageren|"
    r"antwoorden)|lamna mig ifred|sluta svara(?: mig)?|daj mi spokoj|nie odpowiadaj(?: mi)?|"
    r"beni rahat birak|bana cevap verme",
    r"оставь(?:те)? меня(?: в покое)?|не (?:отвечаи|пиши)(?:те)?(?: мне)?(?: больше)?|отстань|"
    r"отвали|отписаться|返信しないで(?:ください|くたさい)?|(?:请)?(?:别|不要)(?:再)?回复(?:我)?|退订|답장하지마?",
    r"(?:halt|haltet) (?:die klappe|den mund|s maul|das maul)",
    r"hor auf mit (?:dem|den|deinem|deinen) \w+",
    r"(?:nicht|keine) (?:mehr )?\w*(?:antworten|nachrichten|kommentare)(?: mehr)?|silencio",
    r"(?:nao|no|je ne|non) (?:quero|quiero|veux|voglio)(?: mais| mas| plus| pas| piu| de)* "
    r"(?:respostas|respuestas|reponses?|risposte|mensagens|mensajes|messages?|messaggi)(?: \w+)?",
)  # fmt: skip
_MAYBE_STOP = (
    rf"(?:(?:{_STOP}|enough|no|basta|stopp)(?: |$))*(?:{_STOP}|stopp)(?: (?:it|this|that|"
    r"doing this|doing that|you|trying|all this|at once|immediately|everything))?",
    rf"{_NOT} (?!mention it){_VERB}{_LOOSE}|{_STOP}(?: with)?(?: the| your| all)? ?(?"
    rf":auto )?{_GERUND}{_LOOSE}|no (?:more )?{_WORDS}|no more(?: of this| of that)?",
    rf"{_STOP}(?: it)?(?: with)?(?: the| this| your| these| all(?: the| this)?)? {_ADJECTIVES}(?"
    rf":nonsense|spam|bullshit|crap|shit|subscription|bot|ai|service|{_WORDS})|cancel(?: this|"
    r" it| my subscription)?|end|exit|mute(?: yourself)?|be silent",
    r"i (?:dont|never) (?:want|need|care for|like) your \w+|i (?:didnt|never) ask(?:ed)? for (?"
    rf":this|that|you|your \w+|an? (?:{_BOT}|ai)(?: \w+)?)",
    r"cease and desist|cease|desist|quit it|knock it off|cut it out|give it up|pack it in|"
    r"enough(?: is enough| of this| of that| already)?|that is enough|end (?:this|it)|shut(?"
    r": the \w+)? (?:up|down)|be quiet|quiet|silence|shush|shut it(?: down)?|hush|pipe down|"
    r"(?:put|stick) a sock in it|self destruct|power down|butt out|deactivate(?: yourself)?|"
    r"zip it|blocked|refrain|please dont|never again|that(?: wi)?ll be enough|please leave|"
    r"leave bot|stay away|"
    r"(?:i )?(?:am )?unsubscribed|stfu|gtfo",
    r"(?:go|get) ?(?:the (?:fuck|hell) )?(?:away|lost|out of here)|gtfoh|foff|jog on|kick rocks|"
    r"(?:fuck|f|fk|fck|eff|naff|hop|piss|bug|buzz|"
    r"bugger|sod|back) off|begone|be gone|shoo|scram|beat it|not interested|i am not interested|"
    r"i dont want (?:this|it|that|any|any of this)|not wanted|unwanted|never(?: ever)? do (?"
    r":this|that|it)",
    r"(?:arrete|arretez|arreter|stoppe)(?: ca| cela| tout)?|ca suffit|assez|basta(?: cosi| ya)?|"
    r"(?:para|pare|parar|paren|parad|detente|detengase|alto|callate)(?: ya| eso| isso| con eso|"
    r" com isso)?|ya basta|suficiente|chega|pare com isso",
    r"(?:hor|hore|hoer|horen sie)(?: bitte| jetzt| endlich| damit)* auf(?: damit)?|aufhoren|"
    r"aufhoeren|schluss(?: damit)?|es reicht|lass das|lass es|smettila|smetti|smettetela|"
    r"fermati|ferma|finiscila|hou op|ophouden|stoppen|hold op|sluta|slutt|lopeta|przestan|dosyc|"
    r"dur|yeter",
    r"стоп|хватит|прекрати(?:те)?|перестань(?:те)?|остановись|やめて(?:ください|くたさい)?|止めて(?:ください|"
    r"くたさい)?|停止|停|住手|够了|멈춰|그만(?:해|하세요)?|توقف|रुको|stoppit",
)  # fmt: skip
_CERTAIN_DELETE = (
    rf"(?:{_DELETE}|deleting|removing|withdraw) {_OBJECT}|taking {_OBJECT} down|(?:take|pull)"
    rf" {_OBJECT} (?:down|back|off)|get {_OBJECT} (?:down|off)(?: of)?(?: here| reddit| my \w+)?",
    rf"(?:have |get |see )?(?:{_OBJECT}|this|it) (?:should be |must be |needs to be |has to be |"
    rf"to be |be )?{_GONE}",
    rf"(?:want|would like|need|prefer) (?:{_OBJECT}|this|it) {_GONE}|this (?:should|must|"
    r"needs to|has to) go|(?:i )?(?:am )?(?:request|requesting|demand|want)(?: the| its)? (?"
    rf":deletion|removal)(?: of .{{1,40}})?|(?:take|get) (?:this|it|that|your \w+) off (?:of )?"
    r"my \w+",
    r"(?:supprime\w*|efface\w*|enleve\w*|retire[rz]?) (?:ton|ta|votre|le|la|ce|cette|tes) \w+",
    r"(?:borra|borre|elimina|elimine|quita|quite|apaga|apague|remova|remove|exclua|delete) (?"
    r":tu|su|este|esta|el|la|seu|sua|teu|o|a) (?:\w+ ?){1,2}",
    r"(?:losche?|loesche?|entferne?)(?: sie)?(?: bitte)? (?:deinen?|den|die|diesen|diese|ihren?)"
    r" (?:bitte )?\w+|(?:cancella|rimuovi|elimina|togli) (?:il|la|questo|questa|tuo|tua|quel)(?"
    r": tuo| tua)? \w+",
    r"verwijder (?:je|deze|dit|die|uw) \w+|usun (?:ten|swoj) \w+|ta bort (?:din|ditt|den har)"
    r" \w+|удали(?:те)? (?:свои|этот|комментарии|ответ)(?: \w+)?",
)  # fmt: skip
_MAYBE_DELETE = (
    rf"(?:{_DELETE} )*(?:{_DELETE}|deleting)(?: {_IT})?(?: (?:from|off) (?:here|reddit|"
    rf"this thread|my \w+))?|(?:take|taking) {_IT} (?:down|back|off)",
    r"(?:supprime\w*|efface\w*|enleve\w*|retire[rz]?)(?: ca| cela| le| moi ca)?|(?:borra|borre|"
    r"elimina|elimine|quita|suprime|apaga|apague|remova|exclua)(?:lo)?(?: esto| eso| isso| isto|"
    r" ya)?|borrar|eliminar|apagar",
    r"(?:losche?|loesche?|loschen|loeschen|entferne?n?)(?: sie)?(?: bitte)?(?: das| es| dies|"
    r" diesen)?(?: bitte)?|das loschen|(?:cancella|rimuovi|elimina|togli)(?:lo|la)?(?: questo|"
    r" quello)?|verwijder(?: dit| het| dat)?|usun(?: to)?|ta bort(?: det| detta)?|slet(?: det)?|"
    r"sil(?: bunu)?",
    r"удали(?:те|ть)?(?: это)?|убери(?:те)?(?: это)?|"
    r"削除(?:して(?:ください|くたさい)?)?|消して(?:ください|くたさい)?|"
    r"删除(?:它|这个)?|请?删除|删掉|삭제(?:해|해줘|해주세요)?|احذف",
)  # fmt: skip


def _compiled(patterns: tuple[str, ...]) -> re.Pattern:
    # Clauses come without accents, and Korean in single letters
    return re.compile("|".join(unicodedata.normalize("NFKD", pattern) for pattern in patterns))


REQUESTS = (
    (STOP, True, _compiled(_CERTAIN_STOP)),
    (DELETE, True, _compiled(_CERTAIN_DELETE)),
    (STOP, False, _compiled(_MAYBE_STOP)),
    (DELETE, False, _compiled(_MAYBE_DELETE)),
)
# What may follow a request without a full stop
RUN_ON = re.compile(
    r"(?: (?:again|ever|ever again|any ?more|please|now|thanks))* (?:i|you|this|it|or|before|if) "
)
# "I want to quit" is about oneself
SELF = re.compile(r"\bi (?:\w+ )?(?:want|need|like|wish|will|going|have|hope|used|try|trying) to\b")
# How people speak of themselves and of what was said to them, rather than give advice
TALK = re.compile(
    r"(?:i|you|your|this|it|that|nobody|no one|why|what|who|we|my|mods?|the bot|last|third|if|"
    r"how)\b"
)
PLAYFUL = re.compile(
    r"\b(?:laugh\w*|blush\w*|cry\w*|cries|cute|sweet|love\w*|funny|hilarious|adorable|making me"
    r"|made me|know|right|same|true|dead|dying|died|embarrass\w*|killing me|flatter\w*|too (?"
    r":much|good|kind)"
    r"|best|great|good|amazing|perfect)\b"
)
COMPLAINT = re.compile(
    r"\b(?:annoy\w*|spam\w*|creep\w*|harass\w*|bother\w*|unwanted|uninterested|not interested|(?"
    r":didnt|dont|never|nobody|no one|who) (?:ask|asked|care|cares|want this)"
    r"|report(?:ed|ing)?|blocked|blocking|useless|rude|sick of|tired of|fed up|hate|serious|"
    r"mean it|consent|permission|wrong|incorrect|inaccurate"
    r"|misleading|untrue|garbage|nonsense|dont (?:like|want|need|appreciate)|inappropriate|"
    r"offensive|disgust\w*|warning|bad bot|(?:you are|this is|it is) (?:a |just a |only a )?(?"
    r":stupid |dumb |fucking )?bot"
    r"|not (?:helpful|funny|ok|okay|cool|needed)|unhelpful|irrelevant|off topic|asked (?:you )?"
    r"(?:already|nicely|before|twice|once)|last time|real person|human|wtf|what the (?:hell|"
    r"fuck))\b"
)
