import type { Category, ItemCreate } from '../../../src/client/client.ts'

/** Names and prices of the sample items, as `name|price`; a `*` at the end is sold out. */
const samples: Record<Category, string> = {
  Grocery:
    'Green tea, 100 bags|4.99 Olive oil, 1 l|11.49 Basmati rice, 5 kg|13.95 Oat biscuits|2.79 Coffee beans, dark roast|14.5 ' +
    'Tomato passata|1.89 Honey, 500 g|6.75 Sea salt, fine|1.29 Dark chocolate, 70 %|2.95 Muesli with nuts|4.49* ' +
    'Spaghetti|1.59 Apple juice, 1 l|2.35 Peanut butter|3.99 Black pepper|3.25 Chickpeas|0.99',
  Household:
    'Bath towel, blue|12.95 Laundry basket|18.5 Dish brush|2.49 Glass cleaner|3.79 Paper towels, 8 rolls|7.99 ' +
    'Storage box, 20 l|9.95 Clothes pegs, 40|3.5 Doormat|16.9 Candles, set of 6|5.95* Broom|8.75 ' +
    'Cutting board, oak|24.9 Water jug|11.2 Oven mitts|7.45 Trash bags, 30|4.19 Ironing board|39.95',
  Electronics:
    'Phone charger, USB-C|14.99 LED bulb, warm white|5.49 Headphones, wired|19.95 HDMI cable, 2 m|8.99 Power strip|15.9 ' +
    'Batteries AA, 12|9.49 Desk lamp|34.95 Wireless mouse|22.5 Keyboard|29.99* Alarm clock|17.95 ' +
    'Smoke detector|21.9 Flashlight|12.49 Memory card, 64 GB|11.95 Portable speaker|44.9 Webcam|49.95',
  Stationery:
    'Notebook, ruled|3.25 Ballpoint pens, 10|4.99 Sticky notes|2.45 Stapler|8.95 Envelopes, 50|5.6 ' +
    'Highlighters, 4 colors|4.75 Scissors|6.2 Printer paper, 500 sheets|6.99 Ruler, 30 cm|1.49 Paper clips|1.95* ' +
    'Desk calendar|9.5 Fountain pen|27.9 Glue stick|1.79 Binder, wide|3.95 Whiteboard marker|2.25',
  'Personal Care':
    'Shampoo, mild|4.95 Toothbrush|2.99 Hand cream|3.75 Soap bar, lavender|2.25 Toothpaste|2.49 ' +
    'Sunscreen, SPF 50|12.95 Shower gel|3.49 Cotton pads|1.99 Razor blades, 8|15.9 Lip balm|2.79* ' +
    'Hair brush|8.5 Face cream|14.25 Tissues, 10 packs|2.95 Nail file|1.85 Deodorant|3.95',
  Apparel:
    'Wool socks|9.95 Rain jacket|79.9 Cotton shirt, white|24.95 Knitted scarf|19.5 Leather belt|29.95 ' +
    'Baseball cap|14.9 Running shorts|22.95 Winter gloves|17.5 Linen trousers|54.9 Slippers|18.95* ' +
    'Sweatshirt, gray|39.95 Swim goggles|12.5 Apron|16.95 Umbrella|15.9 Tights|7.95',
  'Home Improvement':
    'Paint brush, 5 cm|4.29 Wood screws, 100|6.95 Cordless drill|89.9 Sandpaper, set|5.49 Tape measure|7.95 ' +
    'Wall paint, white|34.9 Hammer|14.95 Spirit level|12.9 Wall hooks, 10|4.75 Ladder, 5 steps|64.95* ' +
    'Garden hose, 20 m|27.5 Work gloves|6.49 Screwdriver set|19.95 Silicone sealant|5.95 Extension cord|16.9',
  Pet:
    'Dog biscuits|5.95 Cat grass|3.49 Bird seed, 1 kg|4.25 Cat litter, 10 l|8.95 Dog leash|14.9 ' +
    'Fish food|3.95 Scratching post|29.95 Rubber ball|4.5 Hamster bedding|6.25 Food bowl|7.9* ' +
    'Dog brush|9.75 Cat tunnel|19.5 Aquarium net|3.25 Flea comb|4.95 Pet blanket|15.9',
}

/** In all categories together. */
export const sampleCount = 120

const entry = /(\S[^|]*)\|([\d.]+)(\*?)/g

/** As many in each category. */
export function sampleItems(): ItemCreate[] {
  return Object.entries(samples).flatMap(([category, list]) =>
    [...list.matchAll(entry)].map(([, name = '', price, soldOut]) => ({
      name,
      category: category as Category,
      price_usd: Number(price),
      in_stock: soldOut === '',
    })),
  )
}
