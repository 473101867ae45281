<?php
/**
 * Related articles in a PbootCMS template, from the JSON files that `recommender export` writes.
 *
 *   <ul>{related:list id={content:id} num=5}<li><a href="[related:url]">[related:title]</a></li>{/related:list}</ul>
 *
 * Put this file into apps/home/controller and call it from ExtLabelController.php, which PbootCMS
 * keeps for labels of your own and never overwrites:
 *
 *   $this->content = (new RelatedLabel(ROOT_PATH . '/related'))->run($this->content);
 *
 * With RelatedClient.php the lists come from a running `recommender serve` instead.
 *
 * Fields: id, title, url, date (as 2025-07-17), verdict, i (1, 2, …).
 */
namespace app\home\controller;

class RelatedLabel
{
    private $lists;

    /** @param string|RelatedClient $lists The folder of exported lists, best not below the web root; or a service. */
    public function __construct($lists)
    {
        $this->lists = is_string($lists) ? rtrim($lists, '/') : $lists;
    }

    /** Replaces every label of a page; one whose list is missing becomes nothing. */
    public function run($content)
    {
        return preg_replace_callback(
            '/\{related:list\s+id=[\'"]?([^\s\'"}]+)[\'"]?(?:\s+num=[\'"]?(\d+)[\'"]?)?\s*\}(.*?)\{\/related:list\}/s',
            function ($found) {
                $most = $found[2] === '' ? 5 : (int) $found[2];
                return $this->listed($this->items($found[1], $most), $found[3]);
            },
            $content
        ) ?? $content;
    }

    private function items($id, $most)
    {
        if (!is_string($this->lists)) {
            return $this->lists->items($id, $most);
        }
        $file = $this->lists . '/' . self::fileName($id);
        $data = is_file($file) ? json_decode((string) file_get_contents($file), true) : null;
        $items = is_array($data) && isset($data['items']) && is_array($data['items']) ? $data['items'] : [];
        return array_slice($items, 0, $most);
    }

    private function listed($items, $template)
    {
        $page = '';
        foreach ($items as $place => $item) {
            $values = ['i' => $place + 1, 'date' => substr((string) ($item['date'] ?? ''), 0, 10)] + $item;
            $page .= preg_replace_callback(
                '/\[related:(\w+)\]/',
                function ($found) use ($values) {
                    $value = $values[$found[1]] ?? '';
                    return is_scalar($value) ? self::safe((string) $value) : '';
                },
                $template
            );
        }
        return $page;
    }

    /** Escaped for HTML, and without braces and brackets: PbootCMS would run labels in a title. */
    private static function safe($text)
    {
        $text = htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
        return strtr($text, ['{' => '&#123;', '}' => '&#125;', '[' => '&#91;', ']' => '&#93;']);
    }

    /** The file of an article; see docs/integration.md on names. */
    public static function fileName($id)
    {
        $name = preg_replace_callback(
            '/[^a-z0-9._-]|^\./',
            function ($found) {
                return sprintf('=%02x', ord($found[0]));
            },
            $id
        );
        return (strlen($name) > 200 ? '~' . hash('sha256', $id) : $name) . '.json';
    }
}
