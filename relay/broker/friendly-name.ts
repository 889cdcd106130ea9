/**
 * Names that a person can read out: adjective-noun for agents, adjective-noun-NN for disposable inboxes. Over two million
 * of the latter, so that trying them out at an SMTP server costs more than it finds.
 */
import type { BrokerDeps } from './deps.ts';

type Chance = Pick<BrokerDeps, 'randomBytes'>;

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const ADJECTIVES = words(`
  able agile airy alert alpine amber ample apt arctic autumn azure balmy bold brave breezy bright brisk broad bronze calm
  candid chief chilly civic clean clear clever cloudy coastal cool copper coral cosy crimson crisp curious daily dapper
  daring dawn deep deft dewy dry dusky eager early earnest easy eastern ebony even exact fair famed fast fern fine firm
  fleet fluent fond frank free fresh frosty full gentle giant glad gleaming golden good grand great green hale handy happy
  hardy hazel hearty honest humble icy indigo inland ivory jade jolly jovial just keen kind lasting late lavender leafy
  level light lilac lively lofty loyal lucid lunar major maple marble mellow merry mild minty misty modest mossy native neat
  nimble noble northern novel oaken olive open orange orderly patient pearl placid plain pleasant polar polite prime proud
  prudent quick quiet rapid rare ready regal robust rosy round royal ruby rural rustic sage sandy scarlet serene sharp
  silent silver simple sincere sleek smart smooth snowy soft solar solid sound spry stable steady stellar still stout
  sturdy sunny super supple sure swift tall tame teal thrifty tidal tidy timely topaz tranquil trim true trusty upbeat
  urban useful valiant velvet verdant vital vivid warm western wild windy winter wise witty young zesty`);

const NOUNS = words(`
  acorn alder anchor apple arbor arrow aspen aster atlas badger bamboo basil bay beacon beech berry birch bison blossom
  boulder branch breeze bridge brook canyon cape cedar cherry cliff cloud clover coast comet compass coral cove crane creek
  crest cricket crocus crow cypress daisy dale delta dingo dolphin dove dune eagle echo elk elm ember falcon fennel fern
  field finch fir fjord flint forest fossil fox galaxy garden gazelle gecko ginger glacier glade glen gorge granite grove
  gull harbor hare hawk hazel heath hedge heron hill holly horizon ibex ibis iris island ivy jasmine jay juniper kelp
  kestrel koala lagoon lake larch lark laurel lemon lichen lilac lily linden lion lotus lynx magpie mango mantis maple
  marten meadow melon mesa meteor mint moon moose moss moth mountain mulberry nebula nectar newt nutmeg oak oasis ocean
  olive orbit orchard orchid osprey otter owl oyster palm panda parrot peach pear pebble pelican penguin peony pepper pine
  plain planet plover plum pond poplar poppy prairie puffin quail quartz quince rabbit rain raven reed reef ridge river
  robin rock rose rowan saffron sage salmon sand seal sequoia shell shore sky sparrow spring spruce squirrel star stone
  stork storm stream summit sun swallow swan tern thicket thistle thrush thyme tide tiger timber topaz trail trout tulip
  tundra turtle valley vine violet vole walnut wave whale willow wind wolf wren yarrow yew zebra`);

const pick = (list: readonly string[], bytes: Buffer, at: number): string =>
  list[bytes.readUInt16BE(at) % list.length] ?? '';

export function adjectiveNoun({ randomBytes }: Chance): string {
  const bytes = randomBytes(4);
  return `${pick(ADJECTIVES, bytes, 0)}-${pick(NOUNS, bytes, 2)}`;
}

/** `adjective-noun-NN`, NN from 10 to 99. */
export function numberedName(deps: Chance): string {
  return `${adjectiveNoun(deps)}-${10 + (deps.randomBytes(2).readUInt16BE(0) % 90)}`;
}

/** How many numbered names there are. */
export const NUMBERED_NAMES = new Set(ADJECTIVES).size * new Set(NOUNS).size * 90;
