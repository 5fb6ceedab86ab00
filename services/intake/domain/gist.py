"""
Thanks and plain questions, told from complaints by a few rules that anybody can read.

The two mistakes do not cost the same: praise that is opened as a complaint is closed in a minute, a complaint that is
recorded as praise is lost. So nothing counts as either that holds a word of trouble, and brevity is no proof.
"""

import re
from typing import Literal

Gist = Literal["praise", "question"]

_LONGEST_PRAISE = 1500
_LONGEST_QUESTION = 200
_LONGEST_CHINESE_QUESTION = 60


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_DENIED = _any(
    r"(?:不是|并非|並非|无意|無意)(?:要|来|來|想)?(?:投诉|投訴|抱怨|申诉|申訴)",
    r"(?:not|n't) (?:here |writing |want(?:ing)? )?(?:to complain|complaining|a complaint)",
)
_HARMLESS = _any(
    "不厌其烦|不厭其煩|不错|不錯|了不起|没想到|沒想到|不好意思|不客气|不客氣|不用谢|不用謝|不愧|忘不了|差不多|不辞|不辭",
    "没问题了?|沒問題了?|没事了?|沒事了?",
    r"(?P<verb>[一-鿿])不(?P=verb)|有[没沒]有",
    r"\b(?:no problem|no worries|not at all|thank(?:s| you) again)\b",
    r"\b(?:can(?:no|')t thank (?:you )?enough|without (?:you|your))\b",
)
_TROUBLE = _any(
    "[不没沒无無未坏壞慢错錯漏骗騙赔賠罚罰]|退[款货貨换換钱錢费費订訂]|催|取消",
    "停了|关了|關了|断了|斷了|停[机機电電水气氣用]|丢了|丟了|垃圾|太差|差评|差評",
    "投诉|投訴|申诉|申訴|抱怨|举报|舉報|维权|維權|起诉|起訴",
    "但|可是|不过|不過|然而|结果|結果|却|卻|还在|還在|还是|還是|一直|要求|希望|尽快|盡快|赶紧|趕緊|多次|几次|幾次|三次",
    r"n['’]t\b|\b(?:no|not|never|nobody|none|nothing|without|but|however|although|though|unfortunately|still|again)\b",
    r"\b(?:broke\w*|wrong\w*|late|delay\w*|refund\w*|fault\w*|rude\w*|complain\w*|disappoint\w*|fail\w*|damag\w*)\b",
    r"\b(?:miss(?:ed|ing)|wait\w*|worse|worst|bad\w*|poor\w*|problems?|issues?|errors?|cancel\w*|replac\w*)\b",
    r"\b(?:(?:over)?charg\w+|unaccept\w*|terribl\w*|stop\w*|dead|lost|lie[ds]?|unable|unhappy|illegal|unlawful)\b",
)
_THANKS = _any(
    "谢谢|謝謝|感谢|感謝|多谢|多謝|鸣谢|鳴謝|致谢|致謝|谢意|謝意|表扬|表揚|点赞|點讚|夸奖|誇獎|辛苦了|谢了|謝了",
    r"\b(?:thank(?:s| you)?|grateful|gratitude|appreciat\w+|kudos|praise|compliment|well done|cheers)\b",
)
_THANKS_MEANT = _any(
    "(?:想|要|特地|特意|专门|專門|写信|寫信|来信|來信|专程|專程)"
    "(?:[说說道讲講表达達示声聲一好跟你您们們]|当面|當面|公开|公開|衷心|郑重|鄭重|真诚|真誠)*(?:谢|謝|感谢|感謝|表扬|表揚|夸|誇)",
    "[向对對][^，。,.！!？?]{1,15}(?:表示|表达|表達|道|说声|說聲|说一声|說一聲)(?:衷心|由衷|真诚|真誠|深深)?的?(?:谢|謝|感谢|感謝)",
    r"\b(?:want(?:ed)?|like|writing) to (?:say |express |pass on |send )?(?:a |an |my |our )?(?:big |huge |sincere )?"
    r"(?:thank|praise|compliment|appreciat|gratitude)",
    # In few words: "thank you for" is also how irony begins, and irony takes longer.
    r"(?s:\A(?=.{0,100}\Z)\W*(?:dear [^\n,]{1,40},\s*|hello,?\s*|hi,?\s*)?"
    r"(?:a (?:big|huge) )?thank(?:s| you) (?:to|for)\b)",
)
_POLITE = _any(
    "您好|你好|你们好|你們好|好的|好喔|好哦|好呀|好了|好滴|嗯|收到|知道|明白|了解|已经|已經|解决|解決|修好|搞定|处理|處理",
    "没问题|沒問題|没事|沒事|问题|問題|非常|十分|真的|太|很|多|大家|您们|你们|你們|您|你|我们|我|了|啦|的|啊|呀|哈|再见|再見",
    r"\b(?:hi|hello|ok(?:ay)?|great|good|perfect|got it|received|all|sorted|fixed|solved|works|working|now|it)\b",
    r"\b(?:very|so|much|many|again|you|your|for|the|help|quick|reply|and|bye|best|kind|regards|everything|a lot|no)\b",
    r"\b(?:is|it's|problem|worries|yes|well|that|that's|this|lovely|brilliant|super|was|am|i|i'm|we|are|have|a|ton|million)\b",
)
_ASKING = _any(
    "请问|請問|想问|想問|问一下|問一下|咨询|諮詢|想了解|打听|打聽",
    r"\A\W*(?:hi|hello|dear [^\n,]{1,40})?\W*"
    r"(?:can|could|do|does|is|are|what|when|where|which|who|how|may|will|would)\b",
    r"\b(?:i(?:'d| would) like|i want(?:ed)?|wondering|quick question)\b",
)
_INTERROGATIVE = _any(
    "[吗嗎呢?？]|什么|什麼|怎么|怎麼|怎样|怎樣|如何|哪|几点|幾點|多少|多久|是否|谁|誰|能不能|有没有|有沒有|可以"
)
_OWN = _any(
    "我的|我买|我買|我订|我訂|我家|我们家|我們家|订单|訂單|账单|帳單|单号|單號|怎么回事|怎麼回事|为什么|為什麼",
    "麻烦|麻煩|帮我|幫我|(?<!申)请(?!问)|(?<!申)請(?!問)",
    r"\b(?:my|mine|our|order|invoice|bill|why|please|send|somebody|someone|fix|repair|come)\b|\d{4,}",
)
_STORY = _any(
    "昨|前天|今朝|刚才|剛才|上次|上[个個]?月|上[周週]|去年|[天月周]了|多[个個]?[天月周週年]|那[个個]月",
    "(?<!想)(?:说(?!明)|說(?!明))|(?<![电電])[话話]|以为|以為|觉得|覺得|贵了|貴了|太贵|太貴|偏高|落差|同意|凭什么|憑什麼|吹走|抽[签籤]|证照|證照",
    r"\b(?:anybody|anyone|legal|law|penalt\w+|reading these|was|were|did|had|been|said|told)\b",
)
"""What happened, was said or was thought of: behind the question stands something of their own."""
_SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?]*")
_HAN = re.compile("[㐀-鿿]")
_UNIT = re.compile(r"[㐀-鿿豈-﫿]|[^\W\d_]+|\d+")


def gist_of(text: str, subject: str | None = None) -> Gist | None:
    """
    Tell thanks and plain questions; None for everything else.

    Args:
        text: the customer's own words.
        subject: the headline they gave it, if it is their own.
    """
    words = f"{subject}\n{text}" if subject else text
    if is_praise(words):
        return "praise"
    return "question" if is_plain_question(words) else None


def is_praise(text: str) -> bool:
    """Whether somebody says thanks and nothing else."""
    if len(text) > _LONGEST_PRAISE or not _THANKS.search(text):
        return False
    calm = _HARMLESS.sub("", _DENIED.sub("", text))
    if _TROUBLE.search(calm) or _INTERROGATIVE.search(calm.replace("如果可以", "")):
        return False
    # Nearly nothing may be left beside the thanks: "请处理一下，谢谢" is a request.
    rest = _UNIT.findall(_POLITE.sub(" ", _THANKS.sub(" ", calm)))
    return _THANKS_MEANT.search(text) is not None or len(rest) <= 2  # noqa: PLR2004 - "收到短信了，谢谢" leaves two


def is_plain_question(text: str) -> bool:
    """Whether somebody only wants to know something, and nothing of their own is at stake."""
    longest = _LONGEST_CHINESE_QUESTION if 2 * len(_HAN.findall(text)) > len(text) else _LONGEST_QUESTION
    if len(text) > longest or not _ASKING.search(text) or _STORY.search(text):
        return False
    calm = _HARMLESS.sub("可以", text)
    if _TROUBLE.search(calm) or _OWN.search(calm):
        return False
    sentences = [sentence for sentence in _SENTENCE.findall(calm) if _says_something(sentence)]
    return bool(sentences) and all(_INTERROGATIVE.search(sentence) for sentence in sentences)


def _says_something(sentence: str) -> bool:
    return bool(_UNIT.search(_POLITE.sub(" ", _THANKS.sub(" ", sentence))))
