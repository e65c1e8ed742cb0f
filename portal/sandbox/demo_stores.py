"""Demo stores: eight counters from Taipei to Tainan, with discounts of both kinds."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.bootstrap import Portal
from portal.models.customers import Company
from portal.services import stores

#: Company, name, area, address, category, position (millionths of a degree), discount, what it is.
STORES: tuple[tuple[str, str, str, str, str, int, int, str, str, str], ...] = (
    (
        "tungkai", "山嵐咖啡 大安店", "台北市大安區", "台北市大安區基隆路二段100號", "咖啡", 25027500, 121545800, "percent", "5",
        "手沖單品與自家烘焙，週末有早午餐。",
    ),
    (
        "tungkai", "和平書房", "台北市中正區", "台北市中正區和平西路一段88號", "書店", 25027000, 121516900, "fixed", "20",
        "人文與設計選書，二樓可坐讀。",
    ),
    (
        "tungkai", "小滿食堂", "台北市大同區", "台北市大同區迪化街一段156號", "餐飲", 25056900, 121509700, "percent", "10",
        "每日採買的家常菜，供應至晚上八點。",
    ),
    (
        "huanyu", "河岸單車", "新北市淡水區", "新北市淡水區中正路12號", "租賃", 25169200, 121443600, "fixed", "50",
        "城市車與電輔車，河濱道路旁甲地租乙地還。",
    ),
    (
        "huanyu", "日和麵包", "新竹市東區", "新竹市東區光復路二段101號", "烘焙", 24795500, 120994000, "percent", "3",
        "天然酵母長時間發酵，每天兩爐。",
    ),
    (
        "tungkai", "綠川茶事", "台中市中區", "台中市中區綠川西街135號", "茶飲", 24138700, 120684500, "fixed", "10",
        "台灣高山茶與手搖飲，可寄茶。",
    ),
    (
        "huanyu", "赤崁文具行", "台南市中西區", "台南市中西區民族路二段212號", "文具", 22997500, 120202600, "fixed", "0",
        "鋼筆、手帳與在地插畫。",
    ),
    (
        "huanyu", "港都海產", "高雄市鹽埕區", "高雄市鹽埕區大勇路77號", "餐飲", 22624600, 120284200, "percent", "12.5",
        "當日漁獲，秤斤論價。",
    ),
)  # fmt: skip


def load(portal: Portal) -> None:
    """Makes the stores."""
    portal.db.transact(_make)


def _make(session: Session) -> None:
    companies = {code: company_id for code, company_id in session.execute(sa.select(Company.code, Company.id))}
    for number, row in enumerate(STORES, 1):
        company, name, area, address, category, latitude, longitude, discount_type, discount, about = row
        stores.create(
            session,
            companies[company],
            name,
            address,
            area=area,
            category=category,
            about=about,
            latitude_micro=latitude,
            longitude_micro=longitude,
            discount_type=discount_type,
            discount_value=Decimal(discount),
            contact_phone=f"+88690012345{number}",
            contact_email=f"store{number}@example.com",
            actor="system",
        )
